// What a web page would run: ten spans by the web SDK to the address in the query string; "sent" or the fault ends up in the title.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const results = [];
const exporter = new OTLPTraceExporter({ url: new URLSearchParams(location.search).get("url"), headers: { "X-Page": "shop" } });
const send = exporter.export.bind(exporter);
exporter.export = (spans, done) => send(spans, (result) => { results.push(result); done(result); });
const provider = new WebTracerProvider({
  resource: resourceFromAttributes({ "service.name": "web" }),
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
const tracer = provider.getTracer("page");
for (let number = 0; number < 10; number++) tracer.startSpan("click").end();
await provider.forceFlush();
const faults = results.filter((result) => result.code !== 0);
document.title = results.length === 10 && faults.length === 0 ? "sent" : `${results.length} sent, ${faults.length} refused: ${faults[0]?.error}`;
