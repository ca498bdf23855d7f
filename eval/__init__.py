"""Benchmarks: runs question sets against an index and reports figures."""
