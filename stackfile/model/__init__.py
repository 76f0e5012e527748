"""The sections of a stack file as types, one file each; `settings.py` combines them."""
