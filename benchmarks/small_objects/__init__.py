"""Small objects on large pictures, with and without a crop."""
