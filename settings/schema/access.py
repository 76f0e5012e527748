"""The section `access`."""

from typing import Literal

from settings.schema.base import Model
from settings.types import values


class Access(Model):
    """How access is checked, and the contact shown to users without access."""

    review: Literal["subject", "self-subject"] = "subject"
    """Kubernetes API for access checks: SubjectAccessReview (`subject`), or SelfSubjectAccessReview with the caller's
    own token (`self-subject`), which needs an API server that trusts the login's issuer; see docs/strict.md."""

    contact: values.Plain | None = None
    """Contact shown to users who are in no team: any text, such as an e-mail address or an https URL."""

    aggregate_roles: values.Flag = False
    """Add MLflow's permissions to Kubernetes' ClusterRoles `view`, `edit` and `admin` (role aggregation): whoever has
    one of them in a team's namespace then has access to the team in MLflow, even groups, users and service accounts
    that are not in this file; see docs/login.md."""
