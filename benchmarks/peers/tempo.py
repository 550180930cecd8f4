"""Tempo, as the binary that `TEMPO_BIN` names: one process with its defaults, limits lifted, that speaks OTLP over gRPC and TraceQL."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.peers import traceql
from benchmarks.peers.store import Running, free_ports, process, wait_until
from benchmarks.sending import by_grpc

UNLIMITED = 10**9


class Tempo:
    """A binary of Tempo."""

    name = "tempo"

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """Start it. Its end takes SIGKILL, since it does not leave on a polite signal while it has blocks to write."""
        http, grpc, gossip, otlp = free_ports(4)
        config = folder / "tempo.json"
        config.write_text(json.dumps(_settings(folder, http, grpc, gossip, otlp)))  # JSON is YAML
        url = f"http://127.0.0.1:{http}"
        command = [str(self._binary), f"-config.file={config}"]
        with process(command, folder, f"{url}/ready", ended_by=signal.SIGKILL) as pid:
            blocks = folder / "blocks"

            def settle(traces: int) -> None:
                wait_until(lambda: _traces(blocks) >= traces)

            yield Running(pid, partial(by_grpc, f"127.0.0.1:{otlp}"), blocks, settle, traceql.questions(url))


def _settings(folder: Path, http: int, grpc: int, gossip: int, otlp: int) -> dict[str, object]:
    here = "127.0.0.1"
    return {
        "server": {
            "http_listen_address": here,
            "http_listen_port": http,
            "grpc_listen_address": here,
            "grpc_listen_port": grpc,
            "log_level": "error",
        },
        "memberlist": {"bind_addr": [here], "bind_port": gossip},
        "distributor": {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"{here}:{otlp}"}}}}},
        "storage": {"trace": {"backend": "local", "wal": {"path": f"{folder}/wal"}, "local": {"path": f"{folder}/blocks"}}},
        "live_store": {"wal": {"path": f"{folder}/live"}, "shutdown_marker_dir": f"{folder}/marker"},
        "backend_scheduler": {"local_work_path": f"{folder}/work"},
        "metrics_generator": {"storage": {"path": f"{folder}/generator"}},
        "usage_report": {"reporting_enabled": False},
        "overrides": {
            "defaults": {
                "ingestion": {"rate_limit_bytes": UNLIMITED, "burst_size_bytes": UNLIMITED, "max_traces_per_user": 0},
                "global": {"max_bytes_per_trace": 0},
            }
        },
    }


def _traces(blocks: Path) -> int:
    """How many the blocks tell of that are complete. Of those that a merge has replaced, the file has another name by then."""
    found = 0
    for path in blocks.glob("*/*/meta.json"):
        with suppress(FileNotFoundError):
            found += json.loads(path.read_text())["totalObjects"]
    return found
