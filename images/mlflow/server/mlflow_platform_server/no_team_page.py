"""The page for people who are signed in but belong to no team.

MLflow's own page would tell them to create a workspace, which only the platform's operators can do here. This page
shows the user name and the groups that the identity provider sent, and whom to ask for access. It lists no teams: their
names are not shown to people outside of them.
"""

import html
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from mlflow_platform_server import platform_page
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.review_engine import ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import Caller, facts

_logger = logging.getLogger(__name__)

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No workspace yet - MLflow</title>
<style>
body {{ background: #f4f6f8; color: #11171c; font: 16px/1.5 system-ui, sans-serif; margin: 0; }}
main {{ background: #fff; border: 1px solid #d5dde3; border-radius: 8px; }}
main {{ margin: 10vh auto; max-width: 38rem; padding: 2rem 2.5rem; }}
h1 {{ font-size: 1.5rem; margin-top: 0; }}
dt {{ color: #4a5a66; font-size: .875rem; }}
dd {{ margin: 0 0 1rem; overflow-wrap: anywhere; }}
ul {{ margin: 0; max-height: 14rem; overflow: auto; padding-left: 1.25rem; }}
a.button {{ border: 1px solid #2272b4; border-radius: 4px; color: #2272b4; display: inline-block; }}
a.button {{ margin: 1rem .75rem 0 0; padding: .4rem 1rem; text-decoration: none; }}
</style>
</head>
<body>
<main>
<h1>You are signed in, but you are in no team yet</h1>
<dl>
<dt>You are signed in as</dt><dd><strong>{user}</strong></dd>
<dt>Groups that the identity provider sent for you</dt><dd>{groups}</dd>
</dl>
<p><strong>What to do:</strong> ask {contact} to be added to a group of your team, or for access for one of your
groups. Then sign out and in again, so that the platform learns of your new group.</p>
<p>Nothing is broken, and nobody was notified.</p>
<a class="button" href="{sign_out}">Sign out</a><a class="button" href=".">Try again</a>
</main>
</body>
</html>
"""
HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class NoTeamPage:
    """ASGI middleware that replaces the start page for callers who have access to nothing."""

    def __init__(
        self, app: App, has_access: Callable[[Caller], Awaitable[bool]], contact: str = "", path: str = ""
    ) -> None:
        """`has_access` is true for a caller with a workspace; without workspaces, for one who may see experiments.

        `path` is the URL path of the platform.
        """
        self._app = app
        self._has_access = has_access
        self._contact = contact
        self._sign_out = platform_page.sign_out(path)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        caller = facts(scope).caller if _is_start_page(scope) else None
        if caller is None or await self._may_have_access(caller):
            await self._app(scope, receive, send)
            return
        # All groups, also those that count for nothing here: one of them may be meant to.
        document = page(user=caller.user, groups=caller.claimed_groups, contact=self._contact, sign_out=self._sign_out)
        body = document.encode()
        sized = [*HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": sized})
        await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})

    async def _may_have_access(self, caller: Caller) -> bool:
        """False only for a caller who certainly has no access. If that is unknown, MLflow serves its own page."""
        try:
            return await self._has_access(caller)
        except (ReviewFailedError, TokenRefusedError) as error:
            _logger.warning("The page for users without a team is not shown: their access is unknown. %s", error)
            return True


def _is_start_page(scope: Message) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] in {"GET", "HEAD"}
        and scope["path"] == "/"
        and any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    )


def page(*, user: str, groups: Sequence[str], contact: str, sign_out: str) -> str:
    """Render the page as HTML; all values from outside are escaped."""
    listed = "".join(f"<li>{html.escape(group)}</li>" for group in groups)
    return PAGE.format(
        user=html.escape(user),
        groups=f"<ul>{listed}</ul>" if listed else "none",
        contact=_linked(contact) if contact else "the people who run this platform",
        sign_out=html.escape(sign_out),
    )


def _linked(contact: str) -> str:
    shown = html.escape(contact)
    if re.fullmatch(r"https://\S+", contact):
        return f'at <a href="{shown}">{shown}</a>'
    if re.fullmatch(r"[^\s@]+@[^\s@]+", contact):
        return f'<a href="mailto:{shown}">{shown}</a>'
    return shown
