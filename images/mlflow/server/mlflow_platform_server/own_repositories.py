"""Limits MLflow to the platform's artifact repositories, which ask `artifact_reach` about each location.

A client decides about the scheme of a location: it may write one into an experiment, a model version, or a tag of a
trace. MLflow chooses the class by the scheme, and most of its own classes would reach for files of the server, or for
hosts that the location names, with no regard to the workspace. A location without a scheme is such a file too.
"""

from collections.abc import Callable, Collection, MutableMapping
from typing import Any, NoReturn


def keep(registry: MutableMapping[str, Any], own: Collection[type], refuse: Callable[[str], Exception]) -> None:
    """Make all schemes of a registry whose classes are not among `own` raise the exception that `refuse` returns.

    The schemes stay registered, so MLflow's check of a scheme, and its error messages, do not change.

    Raises:
        ValueError: no scheme has a class of `own`, so this is not MLflow's registry of artifact repositories.
    """
    foreign = {scheme for scheme, repository in registry.items() if repository not in own}
    if len(foreign) == len(registry):
        message = "None of the platform's artifact repositories is registered."
        raise ValueError(message)
    for scheme in foreign:
        registry[scheme] = _refusing(scheme, refuse)


def _refusing(scheme: str, refuse: Callable[[str], Exception]) -> Callable[..., NoReturn]:
    def repository(*_: object, **__: object) -> NoReturn:
        raise refuse(scheme)

    return repository
