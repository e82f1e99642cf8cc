"""What others watch the site by: metrics for Prometheus, spans for OpenTelemetry."""
