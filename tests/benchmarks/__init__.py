"""Speed, measured: each row compares two ways to do the same work, interleaved in one process.

A row module here exposes ``BENCHMARKS``, a tuple of ``measure.Benchmark``. ``python -m tests.benchmarks [PREFIX...]``
runs the rows whose names start with one of the prefixes and prints one JSON line each.
"""
