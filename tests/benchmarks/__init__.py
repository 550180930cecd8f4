"""The benchmarks run, and those that judge are not fooled."""
