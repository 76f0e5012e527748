"""Access to moto's in-memory state. No other package knows moto's models; not all of them have types."""
