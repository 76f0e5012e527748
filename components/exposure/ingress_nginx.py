"""Annotations with which ingress-nginx passes requests of any size and duration on, as other controllers do.

Their names and meanings are from ingress-nginx's documentation, "Annotations" in its user guide. What they cannot set,
the size of a request's headers, is in docs/gateway.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

PREFIX = "nginx.ingress.kubernetes.io/"
# As long as OAuth2-Proxy waits for the server.
SECONDS = 3600
# OAuth2-Proxy sets cookies of 43 kB for a user in 200 groups. NGINX answers 502 to headers above this size.
HEADER_SIZE = "64k"

ANNOTATIONS: Mapping[str, str] = MappingProxyType(
    {
        # No limit; the default is 1 MiB, above which clients get 413.
        f"{PREFIX}proxy-body-size": "0",
        # By default NGINX writes a whole upload to its own disk before it passes it on, and likewise a download.
        f"{PREFIX}proxy-request-buffering": "off",
        f"{PREFIX}proxy-buffering": "off",
        # Between two reads or writes; the default is 60 s.
        f"{PREFIX}proxy-read-timeout": str(SECONDS),
        f"{PREFIX}proxy-send-timeout": str(SECONDS),
        f"{PREFIX}proxy-buffer-size": HEADER_SIZE,
    }
)
