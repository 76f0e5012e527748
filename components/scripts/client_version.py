"""Comparison of the versions of an MLflow client and a tracking server."""

import re

_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def release(version: str) -> tuple[int, int] | None:
    """Major and minor number of a version; None for a text that is no version."""
    match = _VERSION.match(version.strip())
    return None if match is None else (int(match[1]), int(match[2]))


def misfit(client: str, server: str) -> str | None:
    """Sentence that says why a client does not fit to a server; None if it does.

    A client fits if both have the same major version, and the client's minor version is not newer than the server's.

    Raises:
        ValueError: one of the texts is no version.
    """
    ours, theirs = release(client), release(server)
    if ours is None or theirs is None:
        raise ValueError(f"`{client if ours is None else server}` is not a version of MLflow")
    if ours[0] != theirs[0]:
        return (
            f"the MLflow client {client} does not fit to the server's version {server}: both need the same major version;"
            f" install mlflow {theirs[0]}.{theirs[1]} in the pods and set clientVersion"
        )
    if ours[1] > theirs[1]:
        return (
            f"the MLflow client {client} is newer than the server's version {server}, which may not know its requests;"
            f" install mlflow {theirs[0]}.{theirs[1]} in the pods and set clientVersion"
        )
    return None
