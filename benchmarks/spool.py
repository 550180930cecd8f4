"""Requests in files: data of any size is made once, and read in order, so it takes nobody's memory.

The pieces of large data are made by processes of their own. The first is what `Corpus` of the same seed makes; every further one has the
seed that follows.
"""

from __future__ import annotations

import multiprocessing
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.data import Corpus

PIECE = 200_000
"""Spans of a file, at most."""

LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Spool:
    """Requests on disk, and some of the ids in them."""

    files: list[Path]
    corpora: list[Corpus]
    """What each of them holds."""

    @property
    def first(self) -> Corpus:
        """The first piece."""
        return self.corpora[0]

    @property
    def corpus(self) -> Corpus:
        """All of them together."""
        spans = sum(part.spans for part in self.corpora)
        return replace(
            self.first,
            spans=spans,
            trace_ids=_spread([part.trace_ids for part in self.corpora]),
            request_ids=_spread([part.request_ids for part in self.corpora]),
        )

    def pieces(self) -> Iterator[Iterator[bytes]]:
        """The requests of each file."""
        for path in self.files:
            yield _read(path)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces():
            yield from piece


def write(folder: Path, corpus: Corpus) -> Spool:
    """All requests of a corpus, in files below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [min(PIECE, corpus.spans - first) for first in range(0, corpus.spans, PIECE)]
    parts = [replace(corpus, spans=size, seed=corpus.seed + number, trace_ids=[], request_ids=[]) for number, size in enumerate(sizes)]
    files = [folder / f"{number:06}" for number in range(len(parts))]
    if len(parts) == 1:
        return Spool(files, [_write(files[0], parts[0])])
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        made = list(pool.map(_write, files, parts))
    return Spool(files, made)


def _write(path: Path, part: Corpus) -> Corpus:
    with path.open("wb") as file:
        for request in part.requests():
            file.write(LENGTH.pack(len(request)))
            file.write(request)
    return part


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(LENGTH.size):
            yield file.read(LENGTH.unpack(head)[0])


def _spread(ids: list[list[str]]) -> list[str]:
    """The first of each piece, then the second of each, so that a few of them stand for all pieces."""
    return [part[place] for place in range(max(map(len, ids), default=0)) for part in ids if place < len(part)]
