"""Pydantic models of the sections of a stack file; `stack.py` combines them."""
