"""The ground floor: pure functions and values that every other package may import."""
