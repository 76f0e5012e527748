"""The server's audit log, as `make audit` shows it."""
