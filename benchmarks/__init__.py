"""Measurements that print tables: each compares its subjects in one run, interleaved."""
