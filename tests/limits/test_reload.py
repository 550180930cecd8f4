"""Limits that are read again: what is good holds at once, what is bad changes nothing and is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pytempo.config.overrides import overrides_file
from pytempo.errors import BadConfig
from pytempo.limits import LimitOptions, Limits, Reloader, ReloadMetrics
from tests.waiting import wait_for


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text("overrides: {a: {max_traces_per_user: 5}}")
    return path


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def reloader(file: Path, limits: Limits, registry: CollectorRegistry) -> Reloader:
    logger = logging.getLogger("pytempo.test")
    return Reloader(overrides_file(file), limits, period=0.01, logger=logger, metrics=ReloadMetrics(registry))


def well(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("tempo_runtime_config_last_reload_successful")


def test_a_bad_file_at_the_start_is_fatal(file: Path, reloader: Reloader, limits: Limits) -> None:
    file.write_text("overrides: {a: {max_trace: 5}}")
    with pytest.raises(BadConfig, match="max_trace"):
        reloader.load()
    assert limits.overrides == {}


def test_what_changed_holds_after_a_reload(
    file: Path, reloader: Reloader, limits: Limits, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    reloader.load()
    assert limits.of("a") == LimitOptions(max_traces=5)
    file.write_text("overrides: {b: {max_traces_per_user: 6}}")
    with caplog.at_level(logging.INFO):
        reloader.reload()
        reloader.reload()
    assert (limits.of("a"), limits.of("b")) == (LimitOptions(), LimitOptions(max_traces=6))
    assert caplog.text.count("limits of 1 tenants read: b") == 1
    assert well(registry) == 1
    assert len([sample for family in registry.collect() for sample in family.samples if sample.name == "tempo_runtime_config_hash"]) == 1


@pytest.mark.parametrize("text", ["overrides: {a: {max_trace: 6}}", "overrides: {", None], ids=["unknown key", "no YAML", "no file"])
def test_a_bad_file_changes_nothing_and_is_told_once(
    text: str | None, file: Path, reloader: Reloader, limits: Limits, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    reloader.load()
    good = file.read_text()
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    reloader.reload()
    reloader.reload()
    assert limits.of("a") == LimitOptions(max_traces=5)
    assert well(registry) == 0
    assert caplog.text.count("the limits from before hold on") == 1
    assert str(file) in caplog.text
    file.write_text(good)
    with caplog.at_level(logging.INFO):
        reloader.reload()
    assert well(registry) == 1
    assert "limits of 1 tenants read" in caplog.text


def test_the_file_is_read_in_the_background(file: Path, reloader: Reloader, limits: Limits) -> None:
    reloader.load()
    reloader.start()
    file.write_text("overrides: {a: {max_traces_per_user: 9}}")
    wait_for(lambda: limits.of("a").max_traces == 9)
    reloader.stop()
