"""Serving of a team's registered models."""
