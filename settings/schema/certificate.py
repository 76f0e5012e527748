"""The section `certificate`."""

import datetime as dt
from typing import Literal

from settings.schema.base import Model
from settings.types import values


class SelfSigned(Model):
    """A certificate signed by a private CA; clients need the CA certificate."""

    kind: Literal["self-signed"]

    issued: values.Date = dt.date(2026, 11, 1)
    """First day of the certificate, which is valid for 825 days; a later date renews it."""


class CertificateSecret(Model):
    """An existing certificate, or one that cert-manager issues."""

    kind: Literal["secret"]

    name: values.ObjectName
    """Name of a `kubernetes.io/tls` Secret in the platform's namespace; login kind `development` also needs a Secret
    `<name>-dex` for the host name of Dex."""

    authority: values.Authority | None = None
    """CA certificate that clients must trust; absent means that clients already trust the certificate's CA."""
