"""The rights of each role in a team's workspace: the table behind the RBAC Roles and the access matrix.

MLflow defines the resources by name; there is no CRD for them.
"""

API_GROUP = "mlflow.kubeflow.org"
RESOURCES = ("experiments", "datasets", "registeredmodels")
VERBS: dict[str, tuple[str, ...]] = {
    "viewer": ("get", "list"),
    "editor": ("get", "list", "create", "update"),
    "manager": ("get", "list", "create", "update", "delete"),
}
# Programs log and read; only people delete.
PROGRAM_VERBS = VERBS["editor"]
# Log-only programs create runs and log to them. They read the rest, and register no models.
LOGGER_VERBS: dict[str, tuple[str, ...]] = {
    resource: VERBS["editor" if resource == "experiments" else "viewer"] for resource in RESOURCES
}
