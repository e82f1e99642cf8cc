"""Monitoring: metrics for Prometheus, and spans for OpenTelemetry."""
