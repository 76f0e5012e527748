"""Measurements that print figures; none of them passes or fails by time."""
