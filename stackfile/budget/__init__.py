"""Sums that have to come out: connections, memory, volumes, quotas. Pure arithmetic over a stack file.

Each is refused at preview with the sum written out and the nearest ways to make it come out.
"""
