"""Kubernetes building blocks that several subjects share: pods, Jobs, volumes, NetworkPolicies, Secrets, namespaces."""
