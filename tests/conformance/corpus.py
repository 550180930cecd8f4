"""A fixed, feature-rich set of OTLP export requests for conformance runs.

`requests(base_ns)` yields serialized ExportTraceServiceRequest messages whose spans start within 30 minutes after base_ns. Same seed, same
data, whatever the base: only absolute times move. The recorded answers hang on every draw of the random numbers and on their order.
"""
# ruff: noqa: B023 - `add` is used up within the turn of the loop that made it

import random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVICES = {
    "frontend": ("web", "nodejs"),
    "cart": ("shop", "python"),
    "checkout": ("shop", "go"),
    "payment": ("money", "java"),
    "shipping": ("ops", "go"),
    "currency": ("money", "cpp"),
    "email": ("ops", "ruby"),
    "ad": ("web", "java"),
    "search": ("web", "rust"),
    "inventory": ("shop", "python"),
}
OPS = {
    "frontend": ["GET /", "GET /product/{id}", "POST /cart", "POST /checkout"],
    "cart": ["CartService/Add", "CartService/Get", "HGET cart", "HSET cart"],
    "checkout": ["CheckoutService/Place", "validate order", "publish order"],
    "payment": ["PaymentService/Charge", "fraud check"],
    "shipping": ["ShippingService/Quote", "ShippingService/Ship"],
    "currency": ["CurrencyService/Convert"],
    "email": ["send email", "render template"],
    "ad": ["AdService/Get"],
    "search": ["SearchService/Query", "index lookup"],
    "inventory": ["SELECT inventory", "UPDATE inventory", "reserve stock"],
}


def _set(value, v):
    if isinstance(v, bool):
        value.bool_value = v
    elif isinstance(v, int):
        value.int_value = v
    elif isinstance(v, float):
        value.double_value = v
    elif isinstance(v, str):
        value.string_value = v
    elif isinstance(v, bytes):
        value.bytes_value = v
    elif isinstance(v, list):
        value.array_value.SetInParent()
        for x in v:
            _set(value.array_value.values.add(), x)
    elif isinstance(v, dict):
        value.kvlist_value.SetInParent()
        for k, x in v.items():
            kv = value.kvlist_value.values.add()
            kv.key = k
            _set(kv.value, x)
    elif v is not None:
        raise TypeError(v)


def attrs(dst, d):
    for k, v in d.items():
        kv = dst.add()
        kv.key = k
        _set(kv.value, v)


def _resource(r, svc):
    ns, lang = SERVICES[svc]
    d = {
        "service.name": svc,
        "service.namespace": ns,
        "telemetry.sdk.language": lang,
        "k8s.namespace.name": "prod" if r.random() < 0.7 else "staging",
        "k8s.pod.name": f"{svc}-{r.randrange(3)}",
        "host.name": f"node-{r.randrange(4)}",
        "process.pid": r.randrange(100, 130),
    }
    if r.random() < 0.5:
        d["deployment.environment"] = r.choice(["production", "staging", "dev"])
    if r.random() < 0.3:
        d["host.ip"] = [f"10.0.0.{r.randrange(4)}", f"fe80::{r.randrange(4)}"]
    if r.random() < 0.2:
        d["service.version"] = f"{r.randrange(3)}.{r.randrange(10)}.0"
    if r.random() < 0.1:
        d["cloud.spot"] = r.random() < 0.5
    return d


def _span_attrs(r, svc, name):
    d = {}
    if "/" in name and name.split()[0] in ("GET", "POST"):
        code = r.choice([200] * 12 + [201, 301, 404, 404, 500, 503])
        d |= {
            "http.method": name.split()[0],
            "http.status_code": code,
            "http.url": f"http://shop/p/{r.randrange(40)}",
            "http.route": name.split()[1],
        }
        if r.random() < 0.3:
            d["http.response.status_code"] = code
        if r.random() < 0.3:
            d["url.path"] = name.split()[1]
    elif "/" in name:
        d |= {
            "rpc.system": "grpc",
            "rpc.service": name.split("/")[0],
            "rpc.method": name.split("/")[1],
            "rpc.grpc.status_code": r.choice([0] * 8 + [2, 14]),
        }
    elif name.split()[0] in ("SELECT", "UPDATE"):
        d |= {"db.system": "postgresql", "db.statement": name + f" WHERE id = {r.randrange(20)}", "db.rows": r.randrange(50)}
    elif name.startswith("H"):
        d |= {"db.system": "redis", "cache.hit": r.random() < 0.6}
    if r.random() < 0.4:
        d["user.id"] = f"u{r.randrange(60)}"
    if r.random() < 0.15:
        d["retries"] = r.randrange(4)
    if r.random() < 0.15:
        d["ratio"] = round(r.random(), 3)
    if r.random() < 0.1:
        d["tags"] = r.sample(["red", "green", "blue", "beta"], r.randrange(1, 4))
    if r.random() < 0.08:
        d["codes"] = [r.randrange(5) for _ in range(r.randrange(1, 4))]
    if r.random() < 0.05:
        d["weights"] = [round(r.random(), 2) for _ in range(2)]
    if r.random() < 0.05:
        d["switches"] = [r.random() < 0.5 for _ in range(2)]
    if r.random() < 0.04:
        d["nested"] = {"a": 1, "b": {"c": "deep"}, "l": [1, "x"]}
    if r.random() < 0.04:
        d["blob"] = bytes(r.randrange(256) for _ in range(6))
    if r.random() < 0.04:
        d["foo bar"] = "spaced"
    if r.random() < 0.04:
        d["名前"] = "ユニコード"
    if r.random() < 0.04:
        d["blank"] = ""
    if r.random() < 0.03:
        d["none"] = None
    # One key, several types; and one key on span and on resource.
    if r.random() < 0.1:
        d["mixed"] = r.choice(["1", 1, 1.0, True])
    if r.random() < 0.05:
        d["service.name"] = "span-says-" + svc
    return d


class Trace:
    def __init__(self, r, base):
        self.r, self.base = r, base
        self.id = r.randbytes(16)
        self.spans = []  # (service, resource, scope, Span)
        self.resources = {}

    def resource(self, svc):
        if svc not in self.resources:
            self.resources[svc] = _resource(self.r, svc)
        return self.resources[svc]


def build(base_ns, seed=7, traces=260):
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    r = random.Random(seed)
    out, known = [], []
    for i in range(traces):
        t = Trace(r, base_ns)
        if i % 40 == 3:
            t.id = bytes(6) + t.id[6:]
        start = base_ns + r.randrange(1_700) * 10**9 + r.randrange(10**9)
        budget = r.choice([1, 2, 3, 5, 8, 8, 12, 20, 40])

        def add(svc, name, parent, kind, t0, dur, depth):
            nonlocal budget
            budget -= 1
            s = Span(trace_id=t.id, span_id=r.randbytes(8), name=name, kind=kind, start_time_unix_nano=t0, end_time_unix_nano=t0 + dur)
            if parent:
                s.parent_span_id = parent
            attrs(s.attributes, _span_attrs(r, svc, name))
            x = r.random()
            if x < 0.12:
                s.status.code = 2
                s.status.message = r.choice(["boom", "timeout talking to db", "card declined", ""])
                if r.random() < 0.7:
                    e = s.events.add(name="exception", time_unix_nano=t0 + dur // 2)
                    attrs(
                        e.attributes,
                        {
                            "exception.type": r.choice(["ValueError", "IOError", "Timeout"]),
                            "exception.message": r.choice(["bad value", "io", "deadline exceeded"]),
                            "exception.escaped": r.random() < 0.5,
                        },
                    )
            elif x < 0.3:
                s.status.code = 1
            if r.random() < 0.08:
                e = s.events.add(name=r.choice(["cache.miss", "retry", "gc"]), time_unix_nano=t0 + dur // 3)
                attrs(e.attributes, {"attempt": r.randrange(5)} if r.random() < 0.6 else {})
            if known and r.random() < 0.06:
                tid, sid = r.choice(known)
                ln = s.links.add(trace_id=tid, span_id=sid)
                attrs(ln.attributes, {"link.kind": r.choice(["follows", "caused"])} if r.random() < 0.7 else {})
            if r.random() < 0.05:
                s.trace_state = "vendor=1"
            if r.random() < 0.02:
                s.dropped_attributes_count = 2
            scope = r.choice([("otel.http", "0.1.0"), ("otel.grpc", "0.2.0"), ("", ""), ("manual", "")])
            t.spans.append((svc, t.resource(svc), scope, s))
            known.append((t.id, s.span_id))
            if depth < 6:
                for _ in range(r.randrange(0, 4)):
                    if budget <= 0:
                        return
                    nxt = r.choice(list(SERVICES)) if r.random() < 0.6 else svc
                    d2 = max(0, int(dur * r.random()))
                    add(
                        nxt,
                        r.choice(OPS[nxt]),
                        s.span_id,
                        r.choice([1, 1, 2, 3, 3, 4, 5]),
                        t0 + int((dur - d2) * r.random()),
                        d2,
                        depth + 1,
                    )

        dur = int(r.choice([1e6, 5e6, 5e7, 2e8, 9e8, 3e9, 1e10]) * (0.5 + r.random()))
        if i % 29 == 5:
            dur = 0
        root = r.choice(list(SERVICES)) if r.random() < 0.3 else "frontend"
        add(root, r.choice(OPS[root]), None, 2, start, dur, 0)
        if i % 23 == 7:  # a second root
            add("email", "send email", None, 5, start + dur + 10**6, 10**7, 5)
        if i % 19 == 4:  # an orphan: its parent never arrives
            add("ad", "AdService/Get", r.randbytes(8), 2, start + 10**5, 10**6, 5)
        out.append(t)
    return out


def requests(base_ns, seed=7, traces=260):
    """Serialized export requests; traces are cut across requests and some spans arrive twice."""
    r = random.Random(seed + 1)
    ts = build(base_ns, seed, traces)
    pieces = []
    for t in ts:
        spans = list(t.spans)
        r.shuffle(spans)
        k = r.choice([1, 1, 1, 2, 3])
        for j in range(k):
            part = spans[j::k]
            if part:
                pieces.append((t, part))
    r.shuffle(pieces)
    for i in range(0, len(pieces), 6):
        req = ExportTraceServiceRequest()
        by_res = {}
        for t, part in pieces[i : i + 6]:
            for svc, res, scope, s in part:
                key = (t.id, svc)
                if key not in by_res:
                    rs = req.resource_spans.add()
                    attrs(rs.resource.attributes, res)
                    by_res[key] = (rs, {})
                rs, scopes = by_res[key]
                if scope not in scopes:
                    ss = rs.scope_spans.add()
                    ss.scope.name, ss.scope.version = scope
                    if scope[0] == "manual":
                        attrs(ss.scope.attributes, {"lib.tier": "gold", "lib.level": 3})
                    scopes[scope] = ss
                scopes[scope].spans.append(s)
        yield req.SerializeToString()


if __name__ == "__main__":
    n = list(requests(0))
    print(len(n), sum(map(len, n)))
