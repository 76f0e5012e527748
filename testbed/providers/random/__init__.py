"""Stand-in for the provider plugin `pulumi-resource-random` v4.21.4 (test equipment).

`kinds.py` knows the resources: their inputs, what they draw, what of it is secret. `provider.py`
has the protocol's methods.
"""
