"""Which stores there are to measure."""

from __future__ import annotations

import sys

from benchmarks.peers.pytempo import Pytempo
from benchmarks.peers.store import Store, named
from benchmarks.peers.tempo import Tempo
from benchmarks.peers.victoria import VictoriaTraces

PEERS = (("TEMPO_BIN", Tempo), ("VICTORIA_TRACES_BIN", VictoriaTraces))
"""By the environment variable that names a binary of it."""


def stores() -> list[Store]:
    """pytempo, and the peers whose binaries the environment names."""
    found: list[Store] = [Pytempo()]
    for variable, peer in PEERS:
        if binary := named(variable):
            found.append(peer(binary))
        else:
            print(f"{variable} names no binary: {peer.name} is not measured", file=sys.stderr)
    return found
