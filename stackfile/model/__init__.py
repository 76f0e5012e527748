"""The sections of a stack file as types, one file each; `settings.py` puts them together and reads them."""
