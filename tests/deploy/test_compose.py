"""docker/compose.yaml and what it mounts: its parts name each other rightly, and its queries and its example are ones that work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import ROOT
from tests.servers import serve

DOCKER = ROOT / "docker"


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text()))


def dashboard() -> dict[str, Any]:
    return dict(json.loads((DOCKER / "grafana" / "dashboards" / "traces.json").read_text()))


def data_source() -> dict[str, Any]:
    (source,) = yaml.safe_load((DOCKER / "grafana" / "provisioning" / "datasources" / "pytempo.yaml").read_text())["datasources"]
    return dict(source)


def test_everything_that_is_mounted_from_here_is_here() -> None:
    mounts = [volume for service in compose()["services"].values() for volume in service["volumes"] if volume.startswith(".")]
    assert len(mounts) == 3
    assert all((DOCKER / mount.split(":")[0]).exists() for mount in mounts)


def test_nothing_is_published_beyond_loopback() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_store_runs_hardened() -> None:
    store = compose()["services"]["pytempo"]
    assert (store["read_only"], store["user"], store["cap_drop"]) == (True, "10001:10001", ["ALL"])


def test_the_data_source_is_the_store_with_streaming() -> None:
    assert data_source()["url"] == "http://pytempo:3200"
    assert data_source()["jsonData"]["streamingEnabled"] == {"search": True, "metrics": True}
    assert {panel["datasource"]["uid"] for panel in dashboard()["panels"]} == {data_source()["uid"]}


def test_the_example_sends_what_the_dashboard_asks_for(tmp_path: Path) -> None:
    with serve(tmp_path / "data") as server:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{server.otlp_grpc_address}", "OTEL_SERVICE_NAME": "shop", "ORDERS": "5"}
        subprocess.run([sys.executable, DOCKER / "example" / "shop.py"], env=os.environ | environment, check=True, timeout=60)

        traces = httpx.get(f"{server.http_url}/api/search", params={"q": '{ resource.service.name = "shop" && kind = server }'}).json()
        assert len(traces["traces"]) == 5
        for panel in dashboard()["panels"]:
            (target,) = panel["targets"]
            route = "/api/search" if panel["type"] == "table" else "/api/metrics/query_range"
            answer = httpx.get(server.http_url + route, params={"q": target["query"]})
            assert answer.status_code == 200, answer.text
            assert panel["type"] == "table" or answer.json()["series"]
