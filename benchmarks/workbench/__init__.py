"""What the workbench costs in a real browser."""
