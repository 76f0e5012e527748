"""Stand-in for the provider plugin `pulumi-resource-aws` v7.51.1 (test equipment).

It makes real calls to AWS's API, but only to a test server (`testbed/aws`): the endpoint has to be an address of this
machine or of the embedded node.

`kinds.py`      base class of the resource types: inputs, inputs whose change replaces the resource, calls to AWS
`s3.py`, ...    the resource types, a small class each; `table.py` lists them
`provider.py`   the methods of Pulumi's provider protocol, the same for every resource type
`inputs.py`, `changes.py`, `states.py`   Check, Diff, and the state after a read

It behaves like the real provider in: names and their length limits, replacements and their order, default tags,
secret outputs, drift on refresh, failures before and during deletion, `allowedAccountIds`. Missing: waits (moto is
done at once), imports, functions, policy simulations. An input that it does not know is an error, never ignored.
"""
