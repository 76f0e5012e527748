"""Hosts whose files may be asked for: MLflow sends the old server's token to each."""

from collections.abc import Iterable
from urllib.parse import urlsplit

WEB = {"http": 80, "https": 443}
SERVED = "mlflow-artifacts"


class HostError(ValueError):
    """A location is at another host; the message says what to do."""


def check(uri: str, allowed: Iterable[str]) -> None:
    """Check that a location is at the host and port of one of the allowed addresses, or at no web server.

    Raises:
        HostError: it is at another host.
    """
    parts = urlsplit(uri.strip())
    if parts.scheme not in {*WEB, SERVED} or (parts.scheme == SERVED and not parts.netloc):
        return
    # Programs differ in where a host ends at these.
    unclear = "\\" in uri or any(character.isspace() for character in uri)
    known = {one for address in allowed for one in _places(address)}
    if unclear or not set(_places(uri)) <= known:
        host = parts.netloc.rpartition("@")[2]
        raise HostError(
            f"its files are at the host {host}, which is not SOURCE: nothing is sent to it. If it is to be read, or "
            "they are elsewhere now, say so: ARTIFACTS=FROM=TO"
        )


def _places(address: str) -> list[tuple[str, int | None]]:
    parts = urlsplit(address)
    if parts.scheme not in {*WEB, SERVED}:
        return []
    return [((parts.hostname or "").lower(), parts.port or WEB.get(parts.scheme))]
