"""The policy pack. Pulumi runs `__main__.py` of this folder; tests import the package `policy.rules`."""
