"""Tempo's overrides in both of their forms, and one message for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytempo.config.overrides import EVERYBODY, KEYS, overrides_file, read_overrides, show_limits
from pytempo.errors import BadConfig
from pytempo.limits import EVERYBODY as EVERYBODY_OF_LIMITS
from pytempo.limits import LimitOptions

SCOPED = """
overrides:
  shop:
    ingestion:
      rate_strategy: local
      rate_limit_bytes: 1000
      burst_size_bytes: 2000
      max_traces_per_user: 50
      max_attribute_bytes: 100
      retry_info_enabled: false
    global: {max_bytes_per_trace: 5000}
    read: {max_search_duration: 1d, max_metrics_duration: 3h, max_bytes_per_tag_values_query: 10}
    compaction: {block_retention: 2w, compaction_window: 2h, compaction_disabled: true}
    metrics_generator: {processors: [span-metrics], collection_interval: 15s}
    forwarders: [a, b]
  "*":
    ingestion: {rate_limit_bytes: 10}
  empty:
"""

FLAT = """
overrides:
  shop:
    ingestion_rate_strategy: local
    ingestion_rate_limit_bytes: 1000
    ingestion_burst_size_bytes: 2000
    max_traces_per_user: 50
    ingestion_max_attribute_bytes: 100
    ingestion_retry_info_enabled: false
    max_bytes_per_trace: 5000
    max_search_duration: 1d
    max_metrics_duration: 3h
    max_bytes_per_tag_values_query: 10
    block_retention: 2w
    compaction_window: 2h
    compaction_disabled: true
    metrics_generator_processors: [span-metrics]
    metrics_generator_collection_interval: 15s
    forwarders: [a, b]
  "*":
    ingestion_rate_limit_bytes: 10
  empty: {}
"""

HOUR = 3600 * 10**9


@pytest.mark.parametrize("text", [SCOPED, FLAT], ids=["scoped", "flat"])
def test_both_forms_are_read(text: str) -> None:
    assert read_overrides(text, "limits.yaml").tenants == {
        "shop": LimitOptions(
            rate_limit_bytes=1000,
            burst_size_bytes=2000,
            max_traces=50,
            max_bytes_per_trace=5000,
            max_attribute_bytes=100,
            retry_info=False,
            max_search_duration=24 * HOUR,
            max_metrics_duration=3 * HOUR,
            block_retention=14 * 24 * HOUR,
            compaction_window=2 * HOUR,
            compaction_disabled=True,
        ),
        "*": LimitOptions(rate_limit_bytes=10),
        "empty": LimitOptions(),
    }


@pytest.mark.parametrize("text", ["", "overrides:", "overrides: {}"])
def test_a_file_may_hold_nothing(text: str) -> None:
    assert read_overrides(text, "limits.yaml").tenants == {}


def test_a_file_in_one_form_is_what_it_is_in_the_other() -> None:
    assert read_overrides(SCOPED, "a").tenants == read_overrides(FLAT, "b").tenants
    assert read_overrides(SCOPED, "a").digest != read_overrides(FLAT, "a").digest


@pytest.mark.parametrize(("own", "everywhere", "most"), [(5, 0, 5), (0, 5, 5), (5, 7, 5), (7, 5, 5), (0, 0, 0)])
def test_the_lower_limit_of_traces_counts_for_one_process(own: int, everywhere: int, most: int) -> None:
    text = f"overrides: {{a: {{ingestion: {{max_traces_per_user: {own}, max_global_traces_per_user: {everywhere}}}}}}}"
    assert read_overrides(text, "limits.yaml").tenants["a"].max_traces == most


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "overrides:\n  a:\n    ingestion:\n      rate_limit_byte: 5",
            "limits.yaml:4:7: there is no limit ingestion.rate_limit_byte;",
        ),
        ("overrides:\n  a:\n    ingestion_rate_limit: 5", "did you mean ingestion_rate_limit_bytes?"),
        ("overrides:\n  a:\n    global: {max_traces_per_user: 5}", "there is no limit global.max_traces_per_user; did you mean"),
        (
            "overrides:\n  a: {ingestion: {rate_limit_bytes: many}}",
            "limits.yaml:2:19: ingestion.rate_limit_bytes: 'many' is not",
        ),
        ("overrides:\n  a: {ingestion: {rate_limit_bytes: -1}}", "is not a whole number of at least 0"),
        ("overrides:\n  a: {read: {max_search_duration: 5}}", "'5' is not a duration"),
        (
            "overrides:\n  a: {ingestion: {rate_limit_bytes: 1}, max_bytes_per_trace: 1}",
            "of the flat form, and ingestion.",
        ),
        ("overrides:\n  a: {ingestion: 5}", "limits.yaml:2:7: ingestion is a mapping of limits"),
        ("overrides:\n  a: 5", "limits.yaml:2:3: limits are a mapping"),
        ("overrides: [a]", "limits.yaml:1:1: overrides is a mapping of tenants"),
        ("tenants: {}", "limits.yaml:1:1: a file of overrides has one key"),
        ("- a", "a file of overrides has one key"),
        ("overrides:\n  ../x: {}", "limits.yaml:2:3: tenant name '../x' has an unsupported character"),
        ("overrides:\n  a: {}\n  a: {}", "limits.yaml:3:3: key 'a' is there twice"),
        ("overrides: {a: ", "limits.yaml:1:16: not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadConfig) as error:
        read_overrides(text, "limits.yaml")
    assert said in str(error.value)


def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"limits.yaml cannot be read: No such file"):
        overrides_file(tmp_path / "limits.yaml")()
    (tmp_path / "limits.yaml").write_bytes(b"\xff")
    with pytest.raises(BadConfig, match="is not UTF-8"):
        overrides_file(tmp_path / "limits.yaml")()


def test_variables_of_a_file_can_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text("overrides: {a: {max_traces_per_user: $MOST}}")
    read = overrides_file(tmp_path / "limits.yaml", lambda text, source: text.replace("$MOST", "7"))
    assert read().tenants == {"a": LimitOptions(max_traces=7)}


def test_limits_are_shown_as_they_are_read() -> None:
    for tenant, limits in read_overrides(SCOPED, "a").tenants.items():
        shown = {"overrides": {tenant: show_limits(limits)}}
        assert read_overrides(str(shown).replace("'", '"').replace("False", "false"), "b").tenants == {tenant: limits}
    assert show_limits(LimitOptions()) == {}
    assert show_limits(LimitOptions(), every=True)["global"] == {"max_bytes_per_trace": 0}


def test_every_limit_can_be_set() -> None:
    assert {key.field for key in KEYS if key.field} == set(LimitOptions.__dataclass_fields__)


def test_everybody_has_one_name() -> None:
    assert EVERYBODY == EVERYBODY_OF_LIMITS
