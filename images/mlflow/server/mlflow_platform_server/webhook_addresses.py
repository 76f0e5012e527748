"""Addresses that webhooks may have: `https` on port 443, to hosts that the stack file names."""

from collections.abc import Collection
from urllib.parse import urlsplit

HTTPS = 443


def refusal(url: str, hosts: Collection[str]) -> str | None:
    """Reason why a webhook must not be sent to a URL; None if it may."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The webhook's URL is malformed."
    if parts.scheme != "https" or port not in {None, HTTPS}:
        return "Webhooks are sent by https to port 443 only."
    if parts.username is not None or parts.password is not None:
        return "The webhook's URL must not contain a user or a password."
    # Exactly, so neither an address nor a name with a dot at its end is a host of the list.
    if parts.hostname not in hosts or not url.startswith(f"https://{parts.netloc}"):
        allowed = ", ".join(sorted(hosts)) or "none"
        return f"This platform does not send webhooks to that host. Allowed hosts: {allowed} (server.webhookHosts)."
    return None
