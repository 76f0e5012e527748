"""The page for people who are signed in but belong to no team.

MLflow's own page would tell them to create a workspace, which only the platform's operators can do here. This page
shows the user name and the groups that the identity provider sent, and whom to ask for access. It lists no teams: their
names are not shown to people outside of them.
"""

import asyncio
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.scope import KEY, WORKSPACE_HEADER, facts

WORKSPACES = "/api/3.0/mlflow/workspaces"
# If MLflow runs without workspaces: a request that is refused to callers who may not see experiments.
EXPERIMENT, EXPERIMENT_QUERY = "/api/2.0/mlflow/experiments/get-by-name", b"experiment_name=Default"
# Headers of the browser that would change the answer to the query below, and those of a body, which it does not have.
LEFT_OUT = {
    b"accept",
    b"accept-encoding",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"expect",
    b"if-modified-since",
    b"if-none-match",
    b"range",
    b"transfer-encoding",
    WORKSPACE_HEADER,
}
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
<dt>Groups that the sign-in told us</dt><dd>{groups}</dd>
</dl>
<p><strong>What to do:</strong> ask {contact} to add you to a group of your team, or to give one of your groups access.
Then sign out and in again, so that your new group is seen.</p>
<p>Nothing is broken, and nobody was notified.</p>
<a class="button" href="oauth2/sign_out">Sign out</a><a class="button" href=".">Try again</a>
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
    """ASGI middleware that replaces the start page for callers whose list of workspaces is empty.

    If MLflow runs without workspaces, it replaces the page for callers who may not see experiments.
    """

    def __init__(self, app: App, contact: str = "", *, multi_tenant: bool = True) -> None:
        self._app = app
        self._contact = contact
        self._multi_tenant = multi_tenant

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _is_start_page(scope) or await self._has_access(scope):
            await self._app(scope, receive, send)
            return
        caller = facts(scope).caller
        body = page(
            user=caller.user if caller else "",
            # All of them, also those that count for nothing here: one of them may be meant to.
            groups=caller.claimed_groups if caller else (),
            contact=self._contact,
        ).encode()
        sized = [*HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": sized})
        await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})

    async def _has_access(self, scope: Message) -> bool:
        """Ask the server, in the caller's name, whether the caller has access.

        False only if the answer clearly shows that the caller has no access. After an error it is True, so that MLflow
        serves its own page.
        """
        answer = list[Message]()
        requests: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            # After the request nothing more arrives, as from a browser that waits for the answer.
            return requests.pop() if requests else await asyncio.get_running_loop().create_future()

        async def send(message: Message) -> None:
            answer.append(message)

        path, query = (WORKSPACES, b"") if self._multi_tenant else (EXPERIMENT, EXPERIMENT_QUERY)
        query_scope: Message = {
            **scope,
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [(name, value) for name, value in scope["headers"] if name not in LEFT_OUT],
            "state": dict[str, object](),
            # What the query finds out is not about the request.
            KEY: replace(facts(scope)),
        }
        await self._app(query_scope, receive, send)
        status = answer[0]["status"] if answer else 0
        body = b"".join(message.get("body", b"") for message in answer)
        if not self._multi_tenant:
            return status != HTTPStatus.FORBIDDEN
        try:
            return status != HTTPStatus.OK or bool(json.loads(body).get("workspaces"))
        except (AttributeError, ValueError):
            return True


def _is_start_page(scope: Message) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] in {"GET", "HEAD"}
        and scope["path"] == "/"
        and any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    )


def page(*, user: str, groups: Sequence[str], contact: str) -> str:
    """Render the page as HTML; all values from outside are escaped."""
    listed = "".join(f"<li>{html.escape(group)}</li>" for group in groups)
    return PAGE.format(
        user=html.escape(user) or "somebody without a name",
        groups=f"<ul>{listed}</ul>" if listed else "none",
        contact=_linked(contact) if contact else "the people who run this platform",
    )


def _linked(contact: str) -> str:
    shown = html.escape(contact)
    if re.fullmatch(r"https://\S+", contact):
        return f'at <a href="{shown}">{shown}</a>'
    if re.fullmatch(r"[^\s@]+@[^\s@]+", contact):
        return f'<a href="mailto:{shown}">{shown}</a>'
    return shown
