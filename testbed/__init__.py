"""A Pulumi engine and a Kubernetes node for machines that have neither.

`python -m testbed up` builds and starts them, `python -m testbed env` prints the environment in which
`pulumi up` typed by hand uses them. The platform itself (settings, components) knows nothing of this package.
"""
