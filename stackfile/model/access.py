"""The section `access`."""

from typing import Literal

from stackfile import values
from stackfile.model.base import Model


class Access(Model):
    """How Kubernetes RBAC is asked, and what people hear whom it gives nothing."""

    review: Literal["subject", "self-subject"] = "subject"
    """Who asks Kubernetes RBAC: the server about its caller (`subject`), or each caller with their own token
    (`self-subject`), for which the API server has to trust the issuer of the login; see docs/strict.md."""

    contact: values.Plain | None = None
    """Whom people in no team are told to ask: a text, an e-mail address or an https URL."""

    aggregate_roles: values.Flag = False
    """Whether Kubernetes' own roles view, edit and admin in a team's namespace count in MLflow too."""
