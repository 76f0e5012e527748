"""Delivery: only a plan that was approved is deployed."""
