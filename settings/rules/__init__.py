"""Checks of settings against each other: contradictions are mistakes, doubtful combinations are warnings."""
