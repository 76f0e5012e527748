"""Checks that add up what the settings need (connections, memory, volumes, quotas) and compare it with the limits.

A sum above its limit is an error at preview, or a warning for CPU. The message shows the sum and the smallest changes
that fix it.
"""
