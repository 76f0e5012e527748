"""Isolation of workspaces in the artifact store: a request may reach only objects below its own workspace.

The server has one credential for all workspaces, and uses it for any location that a client writes into a model
version, an experiment or a tag of a trace. So each location is checked before it is used.
"""

import posixpath


def is_within(key: str, workspace: str) -> bool:
    """True if an object, or a folder of objects, belongs to a workspace."""
    segments = key.split("/")
    return segments[:2] == ["workspaces", workspace] and not {".", ".."} & set(segments)


def key_of(path: str, store: str) -> str | None:
    """Key of a file in a store that is a folder; None if it is outside, or the store is of another kind.

    `store` is the URI of the store's root.
    """
    root, normalized = store.removeprefix("file://").rstrip("/"), posixpath.normpath(path)
    if not store.startswith("file:///") or not normalized.startswith(f"{root}/"):
        return None
    return normalized.removeprefix(f"{root}/")
