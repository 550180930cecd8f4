"""Keys about the process as a whole: which parts of Tempo it is, tenants, memory, and what reports about it."""

from __future__ import annotations

from pytempo.config.keys import Fate, Key, missing, no_effect, same, used, whole_sections
from pytempo.config.kinds import BOOLEAN, COUNT, DURATION, NUMBER, SECONDS, TEXT, choice

_MULTITENANCY = used(
    "multitenancy_enabled",
    BOOLEAN,
    False,
    "Whether every request names its tenant in `X-Scope-OrgID`.",
    option="multitenancy_enabled",
    flag="multitenancy.enabled",
)

KEYS: tuple[Key, ...] = (
    used(
        "target",
        choice("all", "scalable-single-binary", otherwise="pytempo is all parts in one process; leave it out"),
        "all",
        "Which parts run: always all of them.",
    ),
    _MULTITENANCY,
    same("auth_enabled", _MULTITENANCY, flag="auth.enabled"),
    used("http_api_prefix", TEXT, "", "What stands before `/api` in paths.", option="http_api_prefix"),
    used(
        "shutdown_delay",
        SECONDS,
        0.0,
        "Time after a signal in which `/ready` is 503 and everything still works, so that balancers notice.",
        option="shutdown_delay",
    ),
    *no_effect("", "gRPC is always answered on the HTTP port, too.", stream_over_http_enabled=BOOLEAN),
    *no_effect("", "There is no Go runtime.", enable_go_runtime_metrics=BOOLEAN),
    *no_effect("memory", "There is no Go runtime; limits on memory are settings of their own.", automemlimit_enabled=BOOLEAN),
    *no_effect("memory", "There is no Go runtime; limits on memory are settings of their own.", automemlimit_ratio=NUMBER),
    Key("usage_report.reporting_enabled", Fate.NO_EFFECT, "Nothing is ever reported to anybody.", BOOLEAN, flag="reporting.enabled"),
    *no_effect("usage_report.backoff", "Nothing is ever reported to anybody.", min_period=DURATION, max_period=DURATION, max_retries=COUNT),
    *whole_sections("One process has no peers to gossip with.", "memberlist"),
    *whole_sections("Parts of one process call each other directly.", "ingester_client", "live_store_client"),
    *whole_sections("Parts of one process call each other directly.", "metrics_generator_client", "backend_scheduler_client"),
    *whole_sections("Blocks are files of this machine, cached by its operating system.", "cache"),
    *whole_sections("Spans go from the receivers into the log of this process; there is no queue between.", "ingest", "block_builder"),
    missing(
        "metrics_generator",
        TEXT,
        None,
        "No metrics are made of spans: ask for them with TraceQL metrics, or let the spanmetrics connector of an OpenTelemetry Collector"
        " make them.",
        whole=True,
    ),
)
