"""Delivery: what is deployed is what was approved."""
