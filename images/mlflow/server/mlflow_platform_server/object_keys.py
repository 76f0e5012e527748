"""Isolation of workspaces in the artifact store: a request may reach only objects below its own workspace.

The server has one credential for all workspaces, and uses it for any location that a client writes into a model
version, an experiment or a tag of a trace. So each location is checked before it is used.
"""

import posixpath


def is_within(key: str, workspace: str) -> bool:
    """True if `key`, of an object or a folder of objects, belongs to the workspace."""
    segments = key.split("/")
    return segments[:2] == ["workspaces", workspace] and not {".", ".."} & set(segments)


def key_of(path: str, store: str) -> str | None:
    """Key of the file `path` in an artifact store on a volume; `store` is the URI of the store's root.

    None if the file is outside the store, or if the scheme of `store` is not `file`.
    """
    root, normalized = store.removeprefix("file://").rstrip("/"), posixpath.normpath(path)
    if not store.startswith("file:///") or not normalized.startswith(f"{root}/"):
        return None
    return normalized.removeprefix(f"{root}/")
