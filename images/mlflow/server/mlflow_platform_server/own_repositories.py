"""Limits MLflow to the platform's artifact repositories, which ask `artifact_reach` about each location.

A client may write a location with any scheme into an experiment, a model version, or a tag of a trace. MLflow chooses
the repository class by the scheme, and most of its own classes would open files of the server, or connect to hosts that
the location names, whatever the workspace. A location without a scheme is a file of the server, too.
"""

from collections.abc import Callable, Collection, MutableMapping
from typing import Any, NoReturn

from mlflow_platform_server import imported_files


def keep(registry: MutableMapping[str, Any], own: Collection[type], refuse: Callable[[str], Exception]) -> None:
    """Replace each scheme's class that is not in `own` by a function that raises what `refuse` makes of a message.

    The schemes stay registered, so MLflow's check of a scheme, and its error messages, do not change.

    Raises:
        ValueError: no scheme has a class that is in `own`, so this is not MLflow's registry of artifact repositories.
    """
    foreign = {scheme for scheme, repository in registry.items() if repository not in own}
    if len(foreign) == len(registry):
        message = "None of the platform's artifact repositories is registered."
        raise ValueError(message)
    for scheme in foreign:
        registry[scheme] = _refusing(scheme, refuse)


def _refusing(scheme: str, refuse: Callable[[str], Exception]) -> Callable[..., NoReturn]:
    def repository(location: object = "", *_: object, **__: object) -> NoReturn:
        kind = f"has the scheme {scheme}" if scheme else "is a path"
        refusal = f"The artifact location {kind}; the server fetches artifacts from its own store only."
        raise refuse(f"{refusal} {imported_files.message(str(location))}")

    return repository
