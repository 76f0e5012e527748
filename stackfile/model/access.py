"""The section `access`."""

from typing import Literal

from stackfile import values
from stackfile.model.base import Model


class Access(Model):
    """How access is checked, and the contact shown to users without access."""

    review: Literal["subject", "self-subject"] = "subject"
    """Access review: the server asks Kubernetes about its callers (`subject`, a SubjectAccessReview), or asks with each
    caller's own token (`self-subject`). The latter needs an API server that trusts the login's issuer; see
    docs/strict.md."""

    contact: values.Plain | None = None
    """Contact shown to users who are in no team: a text, an e-mail address or an https URL."""

    aggregate_roles: values.Flag = False
    """Let Kubernetes' roles view, edit and admin in a team's namespace give access in MLflow too."""
