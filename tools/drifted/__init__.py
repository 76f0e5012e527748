"""Drift: differences between the cluster and the state of a stack, and who made them."""
