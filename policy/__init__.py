"""Package from which tests import `policy.rules`. Pulumi itself runs `__main__.py` in this folder as a policy pack."""
