"""Who may do what in a team's workspace: the one table that Kubernetes' roles and the access matrix are made of.

The resources are names that only MLflow knows; no CRD belongs to them.
"""

API_GROUP = "mlflow.kubeflow.org"
RESOURCES = ("experiments", "datasets", "registeredmodels")
VERBS: dict[str, tuple[str, ...]] = {
    "viewer": ("get", "list"),
    "editor": ("get", "list", "create", "update"),
    "manager": ("get", "list", "create", "update", "delete"),
}
# A program records and reads; deleting is left to people.
PROGRAM_VERBS = VERBS["editor"]
