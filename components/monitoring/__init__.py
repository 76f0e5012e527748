"""Metrics, alert rules and a dashboard for the cluster's Prometheus and Grafana."""
