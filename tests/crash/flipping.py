"""Damages copies of a data directory, one injury each, and reads each copy as a store would; says what became of it.

    python -m tests.crash.flipping SOUND SCRATCH

reads one JSON object a line, `{"file", "place", "bit"}` or `{"file", "length"}` to cut the file short, and answers with what was found:
`{"wrong", "missing", "told", "verified", "error"}`. `wrong` are spans that differ from what was stored, `missing` the traces of those
that are not found, `told` whether the log warns, `verified` what `verify` finds. A process of its own: were the interpreter to crash, the
test would see it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytempo
from pytempo import Store
from pytempo.blocklist import BlockList
from pytempo.maintenance.verify import Report, verify
from pytempo.wal import WalView
from tests.comparing import SpanKey, as_dicts

Truth = dict[SpanKey, dict[str, Any]]


class Heard(logging.Handler):
    """Everything that is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def opened(data: Path) -> tuple[Store, Heard]:
    """A reader of a directory, and what it says."""
    heard, logger = Heard(), logging.Logger("flipping", logging.INFO)
    logger.addHandler(heard)
    return pytempo.open(data, read_only=True, logger=logger), heard


def everything(store: Store, ids: list[str]) -> Truth:
    """Every span that is found by search and by the ids of all traces there were, with all that is known of it."""
    found: Truth = {}
    by_search = {trace.trace_id: sum(each.matched for each in trace.spansets) for trace in store.search(limit=10_000).traces}
    for identifier in ids:
        whole = store.trace(identifier)
        spans = {} if whole is None else as_dicts(whole.batch)
        if len(spans) != by_search.get(identifier, 0):
            raise AssertionError(f"trace {identifier} has {len(spans)} spans by id and {by_search.get(identifier, 0)} by search")
        found |= spans
    if by_search.keys() - set(ids):
        raise AssertionError(f"traces that never were: {by_search.keys() - set(ids)}")
    return found


def injure(path: Path, injury: dict[str, Any]) -> None:
    if "length" in injury:
        os.truncate(path, injury["length"])
        return
    with path.open("r+b") as file:
        file.seek(injury["place"])
        found = file.read(1)[0]
        file.seek(injury["place"])
        file.write(bytes([found ^ 1 << injury["bit"]]))


def outcome(data: Path, truth: Truth, ids: list[str], injury: dict[str, Any]) -> dict[str, Any]:
    """What a store and `verify` make of an injured directory."""
    injure(data / injury["file"], injury)
    store, heard = opened(data)
    with store:
        found = everything(store, ids)
        store.tag_values("resource.service.name")
        store.search('{ span.request.id = "r-00000003" }')
    report, logger = Report(), logging.Logger("silent", logging.CRITICAL)
    blocks = BlockList.open(data / "blocks", data / "damaged", logger, read_only=True)
    for _ in verify(blocks, WalView(data / "wal", logger=logger), report):
        continue
    missing = sorted(truth.keys() - found.keys())
    return {
        "wrong": sorted(str(key) for key, span in found.items() if truth.get(key) != span),
        "missing": [key[0] for key in missing],
        "told": bool(heard.lines),
        "verified": [finding.kind for finding in report.findings],
        "error": "",
    }


def main(sound: Path, scratch: Path) -> None:
    store, _ = opened(sound)
    with store:
        ids = [trace.trace_id for trace in store.search(limit=10_000).traces]
        truth = everything(store, ids)
    print(json.dumps({"spans": len(truth)}), flush=True)
    for line in sys.stdin:
        injury = json.loads(line)
        data = Path(shutil.copytree(sound, scratch / "data", copy_function=os.link))
        target = data / injury["file"]
        target.unlink()
        shutil.copy(sound / injury["file"], target)
        try:
            answer = outcome(data, truth, ids, injury)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        shutil.rmtree(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
