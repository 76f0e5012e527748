"""Stand-in for the provider plugin `pulumi-resource-aws` v7.51.1 (test equipment).

It makes real calls of AWS's interface, and makes them to a test server only (`testbed/aws`): an endpoint that is
neither this machine's nor the embedded node's is refused, and so is none. What it has:

`kinds.py`      what a resource type is: its inputs, what replaces it, how it is made, read, changed and deleted
`s3.py`, ...    the types, a small class each; `table.py` lists them
`provider.py`   the protocol's methods, the same for every type
`inputs.py`, `changes.py`   Check and Diff: names, defaults, tags; what differs, and what that means

Kept from the real provider: names, their longest length, what replaces and in which order, default tags, secret
outputs, drift on refresh, the refusals before and at a deletion, `allowedAccountIds`. Not there: waiting (moto is done
at once), imports, functions, policy simulations. An input it does not know is an error, never ignored.
"""
