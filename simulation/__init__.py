"""A simulated team of annotators: real clients of the public HTTP API, with people's times simulated."""
