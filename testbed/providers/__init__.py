"""Stand-ins for the Pulumi provider plugins `pulumi-resource-random` and `pulumi-resource-aws`.

Test equipment, never part of the platform. On a user's machine the Pulumi CLI downloads the real plugins. Where it
cannot, because only package registries can be reached, the embedded engine runs these programs in their place::

    python -m testbed.providers.random <engine address>        # behaves as v4.21.4
    python -m testbed.providers.aws <engine address>           # behaves as v7.51.1

The plugin `pulumi-resource-kubernetes` is the real one, compiled with the engine (`testbed/build/go.py`).

A stand-in must never be more permissive than the real provider: if it accepted inputs or created resources that the
real provider refuses, tests would pass with a program that fails for users. Each module lists what it does not support.

The stand-ins use the provider protocol itself (`plugin.py`) and not `pulumi.provider.experimental`, which adds a
traceback to every error. Components, functions, parameterized packages and `get`-style reads are not supported; using
one is an error that says so.
"""
