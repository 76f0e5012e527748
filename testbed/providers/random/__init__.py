"""Stand-in for the provider plugin `pulumi-resource-random` v4.21.4 (test equipment).

`kinds.py` describes the resource types: inputs, random outputs, secrets. `provider.py` has the protocol's methods.
"""
