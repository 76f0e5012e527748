"""Rows and files of each team."""
