"""Makes `policy.rules` importable in tests. Pulumi itself runs `__main__.py` in this folder as a policy pack."""
