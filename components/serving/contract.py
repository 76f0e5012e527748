"""`Target`, a model server that the team's rollout updates, and the annotation and tokens that both of them use."""

from collections.abc import Sequence
from dataclasses import dataclass

# Names of the service accounts of model servers and of the rollout, in each team's namespace that serves models.
MODEL_SERVER, ROLLOUT = "model-server", "model-rollout"
ACCOUNTS = (MODEL_SERVER, ROLLOUT)
# Annotation of a pod: the version that it serves. components/scripts/follow_aliases.py writes it.
VERSION = "mlflow-platform/model-version"
# `up` does not wait for what depends on the team: its model may be missing or broken, and its quota may be full.
NO_WAIT = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An object whose pods serve a model, and the alias that it follows."""

    server: str
    """Name of the object."""

    model: str
    alias: str
    group: str
    """API group of the object."""

    version: str
    """Version of the API group."""

    resource: str
    """Plural name of the object's kind."""

    annotations: Sequence[str]
    """Path of the pod template's annotations in the object."""

    @property
    def watched(self) -> bool:
        """True if the object has the status of a Deployment."""
        return self.resource == "deployments"
