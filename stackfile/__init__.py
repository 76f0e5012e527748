"""Reading and checking of stack files. `model/` declares their sections, `settings.py` combines them."""
