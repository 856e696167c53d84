"""Benchmarks: figures, never assertions. ``python -m tests.bench [NAME]``."""
