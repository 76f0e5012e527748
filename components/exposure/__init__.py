"""Exposure of the platform outside the cluster: public address, TLS certificate, Ingress or Gateway API."""
