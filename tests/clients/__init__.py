"""Stock OpenTelemetry SDKs of other languages, against a running server."""
