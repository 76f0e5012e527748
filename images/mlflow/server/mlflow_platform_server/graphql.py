"""Refuses GraphQL requests that mean one thing to the authorization and another to MLflow.

The authorization plugin 2.1.0 checks the query in the URL if there is one, but MLflow executes the one in the body.
With a harmless query in the URL, anybody could read the runs of every team. Clients and MLflow's pages only send a
body.
"""

from mlflow_platform_server.asgi import Message

SUFFIX = "/graphql"


def refusal(scope: Message) -> str | None:
    """Reason why a GraphQL request is refused; None if it is unambiguous, and for all other requests."""
    if not scope["path"].rstrip("/").endswith(SUFFIX):
        return None
    if scope["method"] != "POST":
        return "Send GraphQL queries by POST."
    if scope["query_string"]:
        return "Send GraphQL queries in the body, and no query string in the URL."
    return None
