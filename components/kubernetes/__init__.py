"""Kubernetes resources that several packages use: pods, Jobs, volumes, NetworkPolicies, Secrets, namespaces."""
