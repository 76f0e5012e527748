"""GraphQL requests that say one thing to the authorisation and another to MLflow.

The plugin 2.1.0 judges the query of the URL where there is one, MLflow executes the one of the body. A collection in
the URL, which is filtered and not refused, let everybody read every team's runs. Clients and pages post a body.
"""

from mlflow_platform_server.bodies import Message

SUFFIX = "/graphql"


def refusal(scope: Message) -> str | None:
    """Why a request has no single meaning; None if it has."""
    if not scope["path"].rstrip("/").endswith(SUFFIX):
        return None
    if scope["method"] != "POST":
        return "Send GraphQL queries by POST."
    if scope["query_string"]:
        return "Send GraphQL queries in the body, and none in the URL."
    return None
