"""The embedded Kubernetes node: its process, its cluster, and the door by which the machine reaches it."""
