"""How good a promptable network is, measured the way the field does; docs/evaluation.md defines it."""
