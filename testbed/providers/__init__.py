"""Stand-ins for two Pulumi provider plugins: test equipment, never part of the platform.

On a user's machine the Pulumi CLI downloads the real plugins `pulumi-resource-random` and
`pulumi-resource-aws`. Where they cannot be had (a machine that reaches package registries only), the
embedded cluster runs these programs in their place, so that the *unmodified* program, the real engine
and real state meet what it asks for (for AWS a test server, `testbed/aws`)::

    python -m testbed.providers.random <engine address>        # behaves as v4.21.4
    python -m testbed.providers.aws <engine address>           # behaves as v7.51.1

The plugin `pulumi-resource-kubernetes` is the real one, compiled with the engine (`testbed/build/go.py`).

The rule for every line in here: a stand-in is never kinder than the real provider. A preview that
is green, a wait that ends or an object that is adopted here and not there would hide a fault until
a user meets it. Where the real behaviour is not copied, the module says so.

They are built on the provider protocol itself (`plugin.py`) and not on
`pulumi.provider.experimental`: that class wraps every error in a traceback, and has no way to log to a resource.

Not there: components, parameterized packages and functions. Asking for one is an error that says so.
"""
