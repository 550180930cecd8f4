"""Tempo's arguments, our `config` commands, and a file beside the options of `serve`."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import httpx
import yaml

from pytempo.cli.serve import serve as serve_command
from pytempo.cli.serve_fields import ELSEWHERE, FIELDS
from pytempo.config.apply import field_at
from pytempo.server import ServeOptions
from tests.servers import running, serve


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pytempo", *arguments], capture_output=True, text=True, timeout=60, check=False)


def write(folder: Path, text: str) -> Path:
    file = folder / "tempo.yaml"
    file.write_text(text)
    return file


def test_every_option_of_serve_goes_before_a_file() -> None:
    assert set(inspect.signature(serve_command).parameters) == FIELDS.keys() | ELSEWHERE
    for paths in FIELDS.values():
        for path in paths.split():
            field_at(ServeOptions(data=Path()), path)


def test_a_wrong_flag_is_told_with_the_flags_and_status_2() -> None:
    ended = run("-config.fil=x")
    assert ended.returncode == 2
    assert "the nearest one is -config.file" in ended.stderr
    assert "usage: pytempo -config.file=FILE" in ended.stderr


def test_the_version_begins_as_tempos() -> None:
    assert run("-version").stdout.startswith("tempo, version 2.")


def test_verifying_tells_what_is_missed_by_its_status(tmp_path: Path) -> None:
    file = write(tmp_path, "server: {http_server_read_timeout: 30s}\n")
    noted = run(f"-config.file={file}", "-config.verify")
    assert (noted.returncode, noted.stdout.count("\n")) == (0, 1)
    assert run(f"-config.file={file}", "-query-frontend.mcp-server.enabled", "-config.verify=true").returncode == 1
    assert not (tmp_path / "blocks").exists()


def test_another_backend_is_refused_with_what_to_do(tmp_path: Path) -> None:
    ended = run(f"-config.file={write(tmp_path, 'storage: {trace: {backend: s3, s3: {bucket: a}}}')}", "--storage.trace.s3.secret_key=hush")
    assert ended.returncode == 1
    assert "storage.trace.backend: 's3' is not local; blocks lie on a local disk here: give it a volume" in ended.stderr
    assert "hush" not in ended.stderr


def test_a_server_shows_what_it_goes_by_and_a_health_check_asks_it(tmp_path: Path) -> None:
    file = write(tmp_path, "server: {http_listen_port: 1}\ningester: {max_block_bytes: 7, max_block_duration: 9m}\n")
    with serve(tmp_path / "data", f"--config-file={file}", "--max-block-bytes=8") as server:
        shown = run("config", "show", f"--url={server.http_url}", "--mode=diff")
        assert yaml.safe_load(shown.stdout)["ingester"] == {"max_block_duration": "9m0s", "max_block_bytes": 8}
        defaults = yaml.safe_load(httpx.get(f"{server.http_url}/status/config", params={"mode": "defaults"}).text)
        assert defaults["server"]["http_listen_port"] == 3200
        assert httpx.get(f"{server.http_url}/status/config", params={"mode": "all"}).status_code == 500
        assert run("-health", f"-health.url={server.http_url}/ready").returncode == 0
    assert run("-health", f"-health.url={server.http_url}/ready").returncode == 1


def test_folders_of_other_names_are_found_by_every_command(tmp_path: Path) -> None:
    storage = f"storage: {{trace: {{wal: {{path: {tmp_path}/log}}, local: {{path: {tmp_path}/traces}}}}}}"
    file = write(tmp_path, storage)
    ports = [f"-{name}=0" for name in ("server.http-listen-port", "server.grpc-listen-port")]
    command = [
        sys.executable,
        "-m",
        "pytempo",
        f"-config.file={file}",
        *ports,
        "-distributor.receivers.otlp.protocols.grpc.endpoint=localhost:0",
    ]
    for _ in range(2):  # the second time, the links are there
        with running(command) as server:
            assert server.stop() == 0
    assert (tmp_path / "blocks").readlink() == Path("traces")
    assert (tmp_path / "wal").readlink() == Path("log")


def test_a_check_tells_what_has_no_effect(tmp_path: Path) -> None:
    file = write(tmp_path, "memberlist: {}\n")
    assert "memberlist has no effect" in run("config", "check", str(file)).stdout
    assert run("config", "check", str(tmp_path / "none.yaml")).returncode == 1


def test_the_reference_is_printed() -> None:
    assert run("config", "reference").stdout.startswith("# Configuration\n")
