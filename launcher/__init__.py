"""Starts and tests Maskwright on a fresh machine; standard library only, it runs before any install."""
