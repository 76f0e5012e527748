"""What a team gets: namespace, RBAC, quota, and the environment of its programs."""
