"""Benchmarks: they print measurements, and do not fail if a measurement misses its goal."""
