"""Experiments: the command line, training and evaluation, run folders, reports and benchmarks."""
