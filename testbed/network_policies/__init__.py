"""Enforces NetworkPolicies on the embedded cluster, whose CNI plugins do not: test equipment.

It runs in a pod on the node, watches namespaces, pods and policies, and programs the kernel's packet filter. A pod of
which it knows nothing yet speaks to nobody.
"""
