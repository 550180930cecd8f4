"""An application that is traced with the stock OpenTelemetry SDK: an order a second, one in ten fails.

OTEL_EXPORTER_OTLP_ENDPOINT says where to send to, OTEL_SERVICE_NAME what it is called. Ends after ORDERS orders, if that is set.
"""

from __future__ import annotations

import itertools
import os
import random
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
tracer = provider.get_tracer("shop")
orders = int(os.environ.get("ORDERS", "0"))

for number in range(orders) if orders else itertools.count():
    with tracer.start_as_current_span("POST /checkout", kind=trace.SpanKind.SERVER) as checkout:
        checkout.set_attribute("order.id", number)
        with tracer.start_as_current_span("charge card", kind=trace.SpanKind.CLIENT) as charge:
            time.sleep(random.uniform(0.005, 0.05))
            if random.random() < 0.1:
                charge.set_status(trace.StatusCode.ERROR, "card declined")
                checkout.set_status(trace.StatusCode.ERROR)
    if not orders:
        time.sleep(1)
provider.shutdown()
