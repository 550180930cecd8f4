"""Benchmarks of pytempo. `python -m benchmarks --help` lists them; each prints its command, data, machine and versions first."""
