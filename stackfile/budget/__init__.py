"""Sums over a stack file: connections, memory, volumes, quotas. Pure arithmetic.

A sum that exceeds its limit is an error at preview. The message shows the sum and the smallest changes that fix it.
"""
