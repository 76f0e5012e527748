"""Makes the pack importable as `policy.rules`, for its tests; the engine runs the folder as a program."""
