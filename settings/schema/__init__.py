"""Pydantic models of the sections of a stack file; `settings.py` combines them."""
