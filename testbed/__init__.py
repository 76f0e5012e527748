"""A Pulumi engine and a Kubernetes node for machines that have neither.

`python -m testbed up` builds and starts both. `python -m testbed env` prints the environment variables with which a
manual `pulumi up` uses this engine and deploys to this node. The platform itself (settings, components) does not
depend on this package.
"""
