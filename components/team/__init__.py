"""The resources of a team: its namespace, RBAC, quota, and the settings of its MLflow clients."""
