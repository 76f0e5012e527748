"""Reading and checking of stack files. `model/` declares the sections, `settings.py` combines them."""
