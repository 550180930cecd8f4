"""A page in a browser that sends spans with the web SDK, from an origin of its own: let in where the origin is allowed, and only there."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.servers import RunningServer, serve

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A test's output is for faults."""


@pytest.fixture(scope="module")
def browser() -> str:
    for name in BROWSERS:
        if (found := shutil.which(name)) is not None:
            return found
    pytest.skip(f"none of {', '.join(BROWSERS)} is installed: the web SDK needs a browser")


@pytest.fixture(scope="module")
def origin(clients: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served from."""
    site = tmp_path_factory.mktemp("site")
    bundle = ["npx", "--no-install", "esbuild", "page.mjs", "--bundle", "--format=esm", f"--outfile={site / 'page.js'}"]
    done = subprocess.run(bundle, cwd=clients, capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.skip(f"the page cannot be bundled: {done.stderr.strip()}")
    (site / "index.html").write_text('<!doctype html><title>waiting</title><script type="module" src="page.js"></script>')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def title(browser: str, page: str, server: RunningServer, profile: Path) -> str:
    """The page's title once its script has ended."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}"]
    url = f"{page}/?url={server.otlp_http_url}/v1/traces"
    command = [browser, *flags, "--virtual-time-budget=20000", "--dump-dom", url]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search("<title>(.*?)</title>", shown.stdout)
    assert found is not None, shown.stderr
    return found[1]


def clicks(server: RunningServer) -> int:
    query = {"q": '{ resource.service.name = "web" && name = "click" }', "limit": "100"}
    return len(httpx.get(f"{server.http_url}/api/search", params=query, timeout=30).raise_for_status().json()["traces"])


def test_a_page_of_an_allowed_origin_sends_spans(browser: str, origin: str, tmp_path: Path) -> None:
    with serve(tmp_path / "data", "--otlp-http-cors-allowed-origin", origin) as server:
        assert title(browser, origin, server, tmp_path / "profile") == "sent"
        assert clicks(server) == 10


def test_a_page_of_another_origin_is_kept_out(browser: str, origin: str, tmp_path: Path) -> None:
    with serve(tmp_path / "data", "--otlp-http-cors-allowed-origin", "http://shop.example") as server:
        assert title(browser, origin, server, tmp_path / "profile") != "sent"
        assert clicks(server) == 0
