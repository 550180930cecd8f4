"""A long run of everything at once: spans come in, questions are asked, blocks are cut, merged and dropped by size, and nothing may grow.

`traffic` is what clients do, `watch` is what is looked at meanwhile, `verdict` is what has to hold at the end, and `run`
puts them together and writes what was seen.

python -m benchmarks soak --minutes 30
"""

from benchmarks.soak.run import Settings, run

__all__ = ["Settings", "run"]
