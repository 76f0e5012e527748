"""How a stack file is read and judged; what it says is declared in `model/`, put together in `settings.py`."""
