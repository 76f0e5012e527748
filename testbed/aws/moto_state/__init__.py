"""Access to moto's in-memory state. No other package uses moto's models; some of them have no type annotations."""
