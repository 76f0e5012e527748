"""The section `certificate`."""

import datetime as dt
from typing import Literal

from stackfile import values
from stackfile.model.base import Model


class SelfSigned(Model):
    """A certificate of a private authority, whose certificate clients are given."""

    kind: Literal["self-signed"]
    """Where the certificate comes from: made by the platform (`self-signed`) or found in a Secret (`secret`)."""

    issued: values.Date = dt.date(2026, 11, 1)
    """First of the certificate's 825 days; a later date renews it."""


class CertificateSecret(Model):
    """A certificate that exists, or that cert-manager makes."""

    kind: Literal["secret"]
    """Where the certificate comes from: made by the platform (`self-signed`) or found in a Secret (`secret`)."""

    name: values.ObjectName
    """A `kubernetes.io/tls` Secret in the platform's namespace; for the development login also `<name>-dex`."""

    authority: values.Authority | None = None
    """Certificate of the private authority that clients have to trust; absent means that they trust it already."""
