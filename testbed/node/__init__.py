"""The embedded Kubernetes node: its process, its cluster, and the port forwarding from the machine into it."""
