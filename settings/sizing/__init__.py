"""Checks that add up the connections, memory, CPU and storage that the settings need, and compare sums with limits.

A sum above its limit is an error at preview; for CPU it is a warning. The message shows the sum and the smallest
changes that bring it below the limit.
"""
