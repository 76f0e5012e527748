"""Kubernetes building blocks that several subjects share: pods, networks, namespaces, Secrets, volumes."""
