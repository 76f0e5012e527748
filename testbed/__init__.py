"""A Pulumi engine and a Kubernetes node for machines that have neither.

`python -m testbed up` builds and starts them. `python -m testbed env` prints the environment variables with which a
manual `pulumi up` uses them. The platform itself (settings, components) does not depend on this package.
"""
