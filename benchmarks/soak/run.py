"""One soak from the start of the server to the verdict, and what is written of it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import heading
from benchmarks.plot import Panel, over_time
from benchmarks.server import running
from benchmarks.soak import verdict
from benchmarks.soak.traffic import CLIENTS, Traffic
from benchmarks.soak.verdict import Finding
from benchmarks.soak.watch import Sample, Watch, events

MIB = 2**20
SPAN_OTLP_BYTES = 290
SPAN_DISK_BYTES = 45
"""What a span takes in requests, and in small blocks; only the sizes below follow from it."""


@dataclass(frozen=True)
class Settings:
    """How long and how much. What follows from it: the limit on disk is reached before half of the time, and 150 blocks are cut."""

    seconds: float = 1800
    rate: float = 1500
    """Spans a second."""
    spans_per_request: int = 64
    sample_period: float = 5

    @property
    def max_bytes_on_disk(self) -> int:
        """Reached after a quarter of the time to a half: a span takes less in large blocks."""
        return max(int(self.rate * self.seconds / 4 * SPAN_DISK_BYTES), MIB)

    @property
    def max_block_bytes(self) -> int:
        """OTLP bytes of a block."""
        return int(self.rate * max(self.seconds / 150, 2) * SPAN_OTLP_BYTES)

    @property
    def sentinel_period(self) -> float:
        """Seconds between two sentinels."""
        return max(self.seconds / 180, 0.5)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Options of `pytempo serve`."""
        scaled = max(self.seconds / 1800, 0.05)
        return (
            f"--max-block-bytes={self.max_block_bytes}",
            f"--max-bytes-on-disk={self.max_bytes_on_disk}",
            f"--compaction-cycle={max(round(10 * scaled), 2)}s",
            f"--compaction-window={max(round(120 * scaled), 5)}s",
            f"--compacted-block-retention={max(round(30 * scaled), 1)}s",
        )

    @property
    def data(self) -> str:
        """In words."""
        load = f"{self.rate:g} spans/s for {self.seconds:g} s in requests of {self.spans_per_request}"
        return f"{load}, {CLIENTS} gRPC clients, queries each second"


def run(settings: Settings, folder: Path) -> list[Finding]:
    """Run it, print it, write soak.json and soak.svg into `folder`; what was found."""
    print(heading(settings.data), "server    pytempo serve " + " ".join(settings.arguments), sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        data, log = Path(temporary) / "data", Path(temporary) / "log"
        with running(data, *settings.arguments, log=log) as server:
            traffic = Traffic(server, settings.rate, settings.spans_per_request, settings.sentinel_period)
            watch = Watch(server, data, traffic, settings.sample_period, _Table(settings).add)
            watch.start()
            traffic.start()
            time.sleep(settings.seconds)
            traffic.stop()
            watch.stop()
            findings = _judge(settings, traffic, watch.samples, log)
        happened = {name: len(lines) for name, lines in events(log).items()}
        if any(finding.holds is False for finding in findings):
            print(f"the server's log is kept: {_keep(log)}")
    _show(findings)
    _write(folder, settings, traffic, watch.samples, findings, happened)
    return findings


def _judge(settings: Settings, traffic: Traffic, samples: list[Sample], log: Path) -> list[Finding]:
    """Asked of the server while nothing comes in any more; again where retention was at work in between."""
    client, long = traffic.client, settings.seconds >= verdict.LONG
    while True:
        before = len(events(log)["dropped"])
        first = verdict.oldest_whole_second((client.ask("/status/blocks") or {}).get("blocks", []), before)
        counts = verdict.counts(client, traffic.acknowledged, first)
        sentinels = verdict.sentinels(client, traffic.sentinels, first)
        found = events(log)
        if len(found["dropped"]) == before:
            break
    happened = {name: len(lines) for name, lines in found.items() if name != "complaints"}
    being_written = settings.max_block_bytes + settings.max_bytes_on_disk // 10
    return [
        verdict.no_errors(client.errors + found["complaints"]),
        counts,
        sentinels,
        verdict.all_took_part(happened, long),
        verdict.levels_off("memory", [sample.memory_bytes for sample in samples], long),
        verdict.levels_off("disk", [sample.disk_bytes for sample in samples], long),
        verdict.stays_under(samples, settings.max_bytes_on_disk, being_written),
    ]


def _keep(log: Path) -> Path:
    kept = Path(tempfile.gettempdir()) / f"soak-{int(time.time())}.log"
    kept.write_bytes(log.read_bytes())
    return kept


class _Table:
    """Prints about twenty of the samples as they come."""

    def __init__(self, settings: Settings) -> None:
        self._every = max(int(settings.seconds / settings.sample_period / 20), 1)
        self._seen = 0
        print("     s       spans  memory MiB  worker  blocks     MiB  log MiB  query s  export s  errors", flush=True)

    def add(self, sample: Sample) -> None:
        """Print it, if it is its turn."""
        self._seen += 1
        if self._seen % self._every == 0:
            print(
                f"{sample.seconds:6.0f}{sample.spans:12,}{sample.memory_bytes / MIB:12.1f}{sample.worker_bytes / MIB:8.1f}"
                f"{sample.blocks:8}{sample.blocks_bytes / MIB:8.1f}{sample.wal_bytes / MIB:9.1f}{sample.slowest_query_seconds:9.3f}"
                f"{sample.slowest_export_seconds:10.3f}{sample.errors:8}",
                flush=True,
            )


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(f"{ {True: 'holds', False: 'FAILS', None: '-'}[finding.holds]:7}{finding.claim}: {finding.seen}")


def _write(
    folder: Path, settings: Settings, traffic: Traffic, samples: list[Sample], findings: list[Finding], happened: dict[str, int]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    about = dict(line.split(maxsplit=1) for line in heading(settings.data).splitlines())
    document = {
        **about,
        "date": time.strftime("%Y-%m-%d"),
        "server": settings.arguments,
        "spans": traffic.spans,
        "queries": traffic.client.asked,
        "sentinels": len(traffic.sentinels),
        "blocks": happened,
        "errors": traffic.client.errors,
        "findings": [asdict(finding) for finding in findings],
        "samples": [asdict(sample) for sample in samples],
    }
    (folder / "soak.json").write_text(json.dumps(document, indent=1) + "\n")
    limit = settings.max_bytes_on_disk / MIB
    memory, worker = ([getattr(sample, name) / MIB for sample in samples] for name in ("memory_bytes", "worker_bytes"))
    disk, wal = ([getattr(sample, name) / MIB for sample in samples] for name in ("disk_bytes", "wal_bytes"))
    panels = [
        Panel("Memory, MiB (resident)", {"server and worker": memory, "worker alone": worker}),
        Panel("Disk, MiB", {"blocks and log": disk, "log alone": wal}, limit, "max_bytes_on_disk"),
        Panel("Blocks", {"blocks": [sample.blocks for sample in samples]}),
        Panel("Spans acknowledged, million", {"spans": [sample.spans / 1e6 for sample in samples]}),
        Panel("Slowest answer of 5 s, seconds", {"query": [sample.slowest_query_seconds for sample in samples]}),
    ]
    (folder / "soak.svg").write_text(over_time(f"Soak: {settings.data}", [sample.seconds / 60 for sample in samples], panels))
