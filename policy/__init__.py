"""Package marker, so that tests can import `policy.rules`; the engine runs the folder as a program."""
