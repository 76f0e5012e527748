"""Names of service accounts, and the audience of their tokens."""

# Audience of tokens that are for MLflow only, as the smoke test and clients outside the cluster request them.
AUDIENCE = "mlflow"
# The service account that the platform creates in the namespace of every team.
CLIENT_ACCOUNT = "mlflow-client"


def qualified(team: str, account: str) -> tuple[str, str]:
    """Namespace and name of a service account that a team lists."""
    namespace, _, name = account.rpartition("/")
    return namespace or team, name
