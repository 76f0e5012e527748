"""Stand-in for the provider plugin `pulumi-resource-kubernetes` v4.34.2 (test equipment).

`provider.py` has the protocol's methods; `check`, `changes`, `create`, `update`, `read` and
`delete` one each. `normalise` rewrites inputs, `checkpoint` is what is saved, `ready` knows when
an object is ready and `waiting` waits for it; `client` is the way to the API server.
"""
