"""Which objects of the store a request may touch: those below its own workspace, whoever named them, and how.

The server has one credential for all workspaces. A model version, an experiment or a tag of a trace may name a
location in words of the client's, and MLflow looks there with that credential.
"""

import posixpath


def is_within(key: str, workspace: str) -> bool:
    """Whether an object, or a folder of objects, belongs to a workspace."""
    segments = key.split("/")
    return segments[:2] == ["workspaces", workspace] and not {".", ".."} & set(segments)


def key_of(place: str, store: str) -> str | None:
    """What a file is called in a store that is a folder; None when it is elsewhere, or the store is none.

    `store` is the URI of the store's root.
    """
    root, found = store.removeprefix("file://").rstrip("/"), posixpath.normpath(place)
    if not store.startswith("file:///") or not found.startswith(f"{root}/"):
        return None
    return found.removeprefix(f"{root}/")
