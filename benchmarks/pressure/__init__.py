"""Attacks on the availability of a deployed stack, and their effect on another team."""
