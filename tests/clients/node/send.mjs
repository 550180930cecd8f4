// Sends ten traces of two spans with the stock exporter of a protocol, and prints their ids.
// usage: node send.mjs grpc|http/protobuf|http/json URL
import { context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [protocol, url] = process.argv.slice(2);
const Exporter = { grpc: GrpcExporter, "http/protobuf": ProtobufExporter, "http/json": JsonExporter }[protocol];
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "shop" }),
  spanProcessors: [new BatchSpanProcessor(new Exporter({ url }))],
});
const tracer = provider.getTracer("test");
for (let number = 0; number < 10; number++) {
  const root = tracer.startSpan("checkout");
  const span = tracer.startSpan("charge card", {}, trace.setSpan(context.active(), root));
  span.setAttributes({ "order.id": number, "order.total": 12.5, express: true, items: ["book", "pen"], protocol });
  span.addEvent("charged", { attempt: 1 });
  span.end();
  root.end();
  console.log(root.spanContext().traceId);
}
await provider.shutdown();
