"""Holds a Tempo-compatible server against recorded answers of Grafana Tempo.

usage: python -m tests.conformance.conformance --http URL --otlp HOST:PORT [--cases FILE] [--kind KIND] [--verbose] [--keep-failing FILE]

Loads the corpus (corpus.py) through OTLP/gRPC, asks every case, and prints how many answers agree, kind by kind. Answers are compared by
meaning: times relative to the corpus' base, spans by their place in the corpus, order ignored, floats to 1e-6. The wording of an error is
free; its status is not. What the cases hold a server to stands in docs/traceql.md. `--base NS --no-load` asks again about loaded data
(after a flush, a compaction or a restart, say): the answers must not change.
"""

import argparse
import gzip
import json
import math
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import grpc

from tests.conformance import corpus

CASES = pathlib.Path(__file__).parent / "cases.jsonl.gz"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

NAMES = {}  # trace id -> "12", span id -> "12.3": the place of each in the corpus


def name_data(base, seed):
    NAMES.clear()
    for i, t in enumerate(corpus.build(base, seed)):
        NAMES[t.id.hex()] = NAMES[t.id.hex().lstrip("0")] = str(i)
        for j, (_, _, _, s) in enumerate(t.spans):
            NAMES[s.span_id.hex()] = f"{i}.{j}"


def get(url, path, **params):
    q = urllib.parse.urlencode({k: v for k, v in params.items() if v is not None}, doseq=True)
    try:
        with urllib.request.urlopen(f"{url}{path}?{q}", timeout=120) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def value(v):
    if v is None:
        return None
    ((k, x),) = v.items()
    if k == "arrayValue":
        return [value(y) for y in x.get("values", [])]
    return str(x) if k == "intValue" else x


def span(s, base, times):
    out = {"start": int(s["startTimeUnixNano"]) - base, "dur": int(s.get("durationNanos", 0))} if times else {}
    if s.get("name"):
        out["name"] = s["name"]
    a = {x["key"]: value(x.get("value")) for x in s.get("attributes", [])}
    if a:
        out["attrs"] = a
    return out


def norm_search(body, base, times):
    out = {}
    for t in json.loads(body).get("traces", []):
        sets = []
        for ss in t.get("spanSets", []):
            sets.append(
                {
                    "matched": ss.get("matched", 0),
                    "attrs": {x["key"]: value(x.get("value")) for x in ss.get("attributes", [])},
                    "spans": {NAMES.get(s["spanID"], s["spanID"]): span(s, base, times) for s in ss.get("spans", [])},
                }
            )
        sets.sort(key=lambda s: json.dumps(s, sort_keys=True, ensure_ascii=False))
        head = (
            {
                "root": [t.get("rootServiceName"), t.get("rootTraceName")],
                "start": int(t["startTimeUnixNano"]) - base,
                "ms": t.get("durationMs", 0),
            }
            if times
            else {}
        )
        out[NAMES.get(t["traceID"], t["traceID"])] = {**head, "sets": sets}
    return out


def norm_metrics(body, base):
    out = {}
    for s in json.loads(body).get("series", []):
        key = json.dumps(sorted([x["key"], value(x.get("value"))] for x in s.get("labels", [])), ensure_ascii=False)
        pts = {}
        for p in s.get("samples", []):
            v = p.get("value", 0)
            pts[str(int(p["timestampMs"]) - base // 10**6)] = round(v, 9) if isinstance(v, (int, float)) else v
        if "value" in s:
            pts["instant"] = s["value"]
        out[key] = pts
    return out


def norm_trace(trace, base):
    spans = {}
    for rs in trace.get("resourceSpans", trace.get("batches", [])):
        resource = {a["key"]: value(a.get("value")) for a in rs.get("resource", {}).get("attributes", []) if a["key"] != "nested"}
        for ss in rs.get("scopeSpans", []):
            for s in ss["spans"]:
                spans[s["spanId"]] = {
                    "name": s.get("name"),
                    "kind": s.get("kind"),
                    "parent": s.get("parentSpanId"),
                    "start": int(s["startTimeUnixNano"]) - base,
                    "status": s.get("status"),
                    "resource": resource,
                    "scope": ss.get("scope", {}).get("name"),
                    "attrs": {a["key"]: a.get("value") for a in s.get("attributes", [])},
                    "events": sorted([e.get("name"), len(e.get("attributes", []))] for e in s.get("events", [])),
                    "links": sorted([x.get("traceId"), x.get("spanId")] for x in s.get("links", [])),
                }
    return spans


def new_base():
    """32 minutes ago, on the minute: the whole corpus lies in the past, and in one window."""
    return (int(time.time()) // 60 - 32) * 60 * 10**9


def send(otlp, requests):
    """Export requests one after another; returns how many were acknowledged."""
    n = 0
    with grpc.insecure_channel(otlp) as channel:
        call = channel.unary_unary(EXPORT)
        for x in requests:
            call(x, timeout=30, wait_for_ready=True)
            n += 1
    return n


def load(otlp, base, seed):
    return send(otlp, corpus.requests(base, seed=seed))


def read_cases(path=CASES):
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def ask(url, base, case, get=get):
    kind, q, more = case["kind"], case["q"], case.get("params", {})
    start, end = base // 10**9 - 60, base // 10**9 + 1860

    def answer(path, norm, **params):
        window = {} if case.get("no_window") else {"start": start, "end": end}
        st, body = get(url, path, **{**window, **params, **more})
        if st != 200:
            return {"status": st, "error": body.decode(errors="replace")[:300]}
        return {"status": st, **norm(body)}

    if kind == "search":
        return answer("/api/search", lambda b: {"traces": norm_search(b, base, q == "{}")}, q=q, limit=1000, spss=100)
    if kind == "limits":  # which traces come back is free, how many is not
        return answer(
            "/api/search",
            lambda b: {
                "traces": len(json.loads(b).get("traces", [])),
                "spans": max(
                    [len(ss.get("spans", [])) for t in json.loads(b).get("traces", []) for ss in t.get("spanSets", [])], default=0
                ),
            },
            q=q,
        )
    if kind == "legacy":  # the search of before TraceQL: tags, minDuration, maxDuration
        return answer(
            "/api/search",
            lambda b: {"traces": sorted(NAMES.get(t["traceID"], t["traceID"]) for t in json.loads(b).get("traces", []))},
            **({"tags": q} if q else {}),
            limit=1000,
        )
    if kind in ("metrics", "instant"):
        path = "/api/metrics/query_range" if kind == "metrics" else "/api/metrics/query"
        step = {"step": "60s", "exemplars": 0} if kind == "metrics" else {}
        return answer(path, lambda b: {"series": norm_metrics(b, base)}, q=q, start=start - start % 60, end=end - end % 60, **step)
    if kind == "tags":
        scope = {"scope": q.split("=")[1]} if q else {}
        return answer(
            "/api/v2/search/tags",
            lambda b: {"scopes": {s["name"]: sorted(s.get("tags", [])) for s in json.loads(b).get("scopes", [])}},
            limit=5000,
            **scope,
        )
    if kind == "tags1":
        scope = {"scope": q.split("=")[1]} if q else {}
        return answer("/api/search/tags", lambda b: {"names": sorted(json.loads(b).get("tagNames", []))}, **scope)
    if kind == "values":
        return answer(
            f"/api/v2/search/tag/{urllib.parse.quote(q, safe='')}/values",
            lambda b: {"values": sorted([v.get("type", ""), v.get("value", "")] for v in json.loads(b).get("tagValues", []))},
        )
    if kind == "values1":
        return answer(
            f"/api/search/tag/{urllib.parse.quote(q, safe='')}/values", lambda b: {"values": sorted(json.loads(b).get("tagValues", []))}
        )
    if kind in ("trace", "trace1"):
        path = "/api/v2/traces/" if kind == "trace" else "/api/traces/"

        def norm(b):
            d = json.loads(b)
            return {"spans": norm_trace(d["trace"] if kind == "trace" else d, base)}

        return answer(path + q, norm)
    if kind == "status":  # only the status counts
        return {"status": get(url, q, **more)[0]}
    raise ValueError(kind)


def close(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=2.1e-9)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def without_span_attributes(answer):
    """For a case marked loose: Tempo's own answers differ in which attributes it hands back with a span."""
    traces = {}
    for name, t in answer.get("traces", {}).items():
        sets = [{**ss, "spans": {n: {k: v for k, v in s.items() if k != "attrs"} for n, s in ss["spans"].items()}} for ss in t["sets"]]
        traces[name] = {**t, "sets": sorted(sets, key=lambda s: json.dumps(s, sort_keys=True, ensure_ascii=False))}
    return {**answer, "traces": traces}


def without_zeros(answer):
    """For a case marked zeros_free: a point of 0 and no point at all are the same."""
    return {**answer, "series": {k: {t: v for t, v in s.items() if v} for k, s in answer.get("series", {}).items()}}


def same(want, got, loose=False, zeros_free=False):
    if want["status"] != got["status"]:
        return False
    if want["status"] == 200 and zeros_free:
        want, got = without_zeros(want), without_zeros(got)
    if want["status"] == 200 and loose:
        want, got = without_span_attributes(want), without_span_attributes(got)
    return want["status"] != 200 or close(want, got)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--http", required=True)
    p.add_argument("--otlp")
    p.add_argument("--cases", default=CASES)
    p.add_argument("--kind", help="only the cases of this kind")
    p.add_argument("--data-seed", type=int, default=7)
    p.add_argument("--base", type=int, help="nanoseconds; default: 32 minutes ago, on the minute")
    p.add_argument("--no-load", action="store_true")
    p.add_argument("--wait", type=float, default=0, help="seconds to wait after loading")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--keep-failing", help="write the failing cases to this file, as JSON lines")
    a = p.parse_args()
    base = a.base or new_base()
    name_data(base, a.data_seed)
    if not a.no_load:
        print("loaded", load(a.otlp, base, a.data_seed), "requests at base", base, file=sys.stderr)
        time.sleep(a.wait)
    good, bad, failing = {}, {}, []
    for c in read_cases(a.cases):
        if a.kind and c["kind"] != a.kind:
            continue
        try:
            got = ask(a.http, base, c)
        except Exception as e:
            got = {"status": repr(e)}
        ok = same(c["want"], got, c.get("loose", False), c.get("zeros_free", False))
        (good if ok else bad).setdefault(c["kind"], []).append(c["q"])
        if not ok:
            failing.append({**c, "got": got})
            if a.verbose:
                print(
                    "DIFF",
                    c["kind"],
                    c["q"],
                    c.get("params", ""),
                    "\n  want",
                    json.dumps(c["want"], ensure_ascii=False)[:400],
                    "\n  got ",
                    json.dumps(got, ensure_ascii=False)[:400],
                )
    if a.keep_failing:
        with open(a.keep_failing, "w") as f:
            f.writelines(json.dumps(c, ensure_ascii=False) + "\n" for c in failing)
    for k in sorted(set(good) | set(bad)):
        g, b = len(good.get(k, [])), len(bad.get(k, []))
        print(f"{k}: {g}/{g + b}")
    n = sum(map(len, good.values()))
    t = n + sum(map(len, bad.values()))
    print(f"{n} of {t} answers agree ({100 * n / max(t, 1):.1f} %)")
    sys.exit(0 if n == t and t else 1)


if __name__ == "__main__":
    main()
