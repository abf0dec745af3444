"""The rewritten decoder beside the published graph, in a real browser."""
