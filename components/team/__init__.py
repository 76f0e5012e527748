"""Everything of one team: namespace, RBAC, quota, and the environment of its programs."""
