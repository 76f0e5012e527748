"""Artifact repositories that a server process makes."""

from typing import Any

import pytest
from mlflow_platform_server import own_repositories


class Own:
    """A repository of the platform, which checks each location."""


class Foreign:
    """A repository of MLflow, which does not check locations."""


class Heir(Own):
    """A subclass of the platform's repository, which the platform does not list."""


class RefusedError(Exception):
    """The location is refused."""


def test_only_the_platforms_own_repositories_are_made_whatever_the_scheme() -> None:
    registry: dict[str, Any] = {"file": Own, "s3": Own, "": Foreign, "gs": Foreign, "runs": Foreign, "odd": Heir}
    own_repositories.keep(registry, (Own,), RefusedError)
    assert registry.keys() == {"file", "s3", "", "gs", "runs", "odd"}
    for scheme in ("file", "s3"):
        assert registry[scheme] is Own
    for scheme in ("", "gs", "runs", "odd"):
        kind = f"has the scheme {scheme}" if scheme else "is a path"
        with pytest.raises(RefusedError, match=f"{kind}; .* location is not .*make adopt"):
            registry[scheme]("location", tracking_uri=None)


def test_a_registry_without_any_of_the_platforms_own_is_an_error() -> None:
    with pytest.raises(ValueError, match="registered"):
        own_repositories.keep({"": Foreign}, (Own,), RefusedError)
