"""Odd requests: forged headers, paths with several readings, bodies whose end two hops may see in different places."""

from testbed.e2e.attack.callers import PEOPLE

BOB = PEOPLE["other manager"]
EVIL = "evil.example"
POWER = "team-b-mlflow-users,system:masters"

# Headers that some proxy or server might trust for the caller's identity or the requested URL.
FORGED = [
    {name: value}
    for name, value in [
        *[(f"X-Forwarded-{kind}", POWER if kind == "Groups" else BOB) for kind in ("User", "Email", "Groups")],
        *[(f"X-Auth-Request-{kind}", POWER if kind == "Groups" else BOB) for kind in ("User", "Email", "Groups")],
        *[(f"X_Forwarded_{kind}", POWER if kind == "Groups" else BOB) for kind in ("User", "Email", "Groups")],
        ("x-forwarded_groups", POWER),
        ("X-Forwarded.Groups", POWER),
        ("X.Forwarded.Groups", POWER),
        ("X.Forwarded.Email", BOB),
        ("X.Forwarded.Access.Token", "Bearer x"),
        ("X_Forwarded_Access_Token", "Bearer x"),
        ("X-Remote-User", BOB),
        ("X-Remote-Groups", POWER),
        ("Remote-User", BOB),
        ("X-Forwarded-Preferred-Username", BOB),
        ("X-Forwarded-Access-Token", "Bearer x"),
        ("X-Webauth-User", BOB),
        ("Impersonate-User", BOB),
        ("Impersonate-Group", "system:masters"),
        ("GAP-Auth", BOB),
        ("Connection", "close, X-Forwarded-Email, X-Forwarded-Groups"),
        ("Forwarded", f'for=127.0.0.1;host="{EVIL}";proto=https'),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-Ip", "127.0.0.1"),
        ("X-Original-URL", "/health"),
        ("X-Original-URI", "/health"),
        ("X-Rewrite-URL", "/health"),
        ("X-Forwarded-Uri", "/health"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Prefix", "/health"),
        ("X-HTTP-Method-Override", "GET"),
    ]
]

_IDENTITY = (f"X-Forwarded-Email: {BOB}", f"X-Forwarded-User: {BOB}", f"X-Forwarded-Groups: {POWER}")


def headers(*, own: str, other: str) -> dict[str, tuple[str, ...]]:
    """Header lines by a name for each attack, from a member of workspace `own` against workspace `other`."""
    workspace = "X-MLFLOW-WORKSPACE"
    return {
        **{f"{name}: {value}": (f"{name}: {value}",) for forged in FORGED for name, value in forged.items()},
        "identity twice": tuple(line for line in _IDENTITY for _ in range(2)),
        "identity, name before a space": tuple(line.replace(":", " :", 1) for line in _IDENTITY),
        "identity, folded": ("X-A: b", *(f" {line}" for line in _IDENTITY)),
        # A proxy removes the headers that Connection lists from what it passes on: perhaps also those that it has set.
        "hop by hop: own identity": ("Connection: close, X-Forwarded-Email, X-Forwarded-Groups", *_IDENTITY),
        "hop by hop: underscores": (
            "Connection: close, X-Forwarded-Email, X-Forwarded-User, X-Forwarded-Groups",
            *(line.replace("-", "_", 2) for line in _IDENTITY),
        ),
        "hop by hop: credentials": ("Connection: close, Authorization, Cookie", *_IDENTITY),
        "hop by hop: workspace": (f"Connection: close, {workspace}",),
        "hop by hop: requested page": ("Connection: close, X-Forwarded-Uri", "X-Forwarded-Uri: /health"),
        "requested page twice": ("X-Forwarded-Uri: /health", "X-Forwarded-Uri: /health", "X-Forwarded-Method: GET"),
        "trailer": ("TE: trailers", "Trailer: X-Forwarded-Email"),
        "web socket": ("Connection: close, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", *_IDENTITY),
        "h2c": (
            "Connection: close, Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ),
        "workspace twice, own first": (f"{workspace}: {own}", f"{workspace}: {other}"),
        "workspace twice, own last": (f"{workspace}: {other}", f"{workspace}: {own}"),
        "workspace, underscores": (f"{workspace}: {own}", f"X_MLFLOW_WORKSPACE: {other}"),
        "workspace, dots": (f"{workspace}: {own}", f"X.MLFLOW.WORKSPACE: {other}"),
        "workspace, list": (f"{workspace}: {own},{other}",),
        "workspace, path": (f"{workspace}: {own}/../{other}",),
    }


# Paths that need no session, or that a proxy answers itself.
_OPEN = ("/ping", "/ready", "/robots.txt", "/oauth2", "/oauth2/static", "/static-files")
_HEALTH = ("/", "/x", "z", ".json", ";x", "%2f", "%20", "%0a", "%00", "%23", "/%2e%2e/graphql", "?x=/health")


def paths(wanted: str, *, prefix: str = "", host: str = "") -> list[str]:
    """Spellings of a path below the platform's `prefix` that begin or end like one that needs no session."""
    rest = wanted.removeprefix("/")
    first, _, others = rest.partition("/")
    below = [
        *(f"/health{suffix}" for suffix in _HEALTH),
        "/Health",
        *(
            f"/health{up}{wanted}"
            for up in ("/..", "/..;", "/..;x=1", "/%2e%2e", "/.%2e", "/%252e%252e", "//..", "/./..")
        ),
        *(f"/health{mark}/..{wanted}" for mark in (";x", "%3b", "%23", "%3f", "%00", "%0a", "%5c")),
        *(f"/health{slash}..{slash}{rest}" for slash in ("%2f", "%5c", "\\", "%252f")),
        *(f"{open_}{up}{wanted}" for open_ in _OPEN for up in ("/..", "/..;", "/%2e%2e", "%23/..")),
        f"/{wanted}",
        f"/.{wanted}",
        f"/;{wanted}",
        f"/%2e{wanted}",
        wanted.replace("/", "//"),
        f"/{rest.replace('/', '%2f')}",
        f"/{rest.replace('/', '%252f')}",
        f"/{rest.replace('/', '%5c')}",
        f"/%5c{rest}",
        f"/\\{rest}",
        f"/%{ord(first[0]):02x}{rest[1:]}",
        f"/{first.upper()}/{others}",
        f"/{first};x/{others}",
        f"/{first}/.;/{others}",
        *(
            f"{wanted}{suffix}"
            for suffix in (";x", ";/health", "/", "%00", "%20", "/health", "%2fhealth", "%3f/health")
        ),
        f"{wanted}%23/health",
        f"{wanted}/..;/health",
        f"{wanted}{'/..' * wanted.count('/')}/health",
        f"{wanted}{'%2f..' * wanted.count('/')}%2fhealth",
    ]
    around = [
        f"https://{host}{prefix}{wanted}",
        f"http://127.0.0.1:5000{wanted}",
        f"http://{host}{prefix}/health/..{wanted}",
    ]
    if prefix:
        around += [wanted, f"{prefix}/..{wanted}", f"{prefix}{prefix}{wanted}", f"/health/..{prefix}{wanted}"]
        around += [
            f"{prefix}x/..{prefix}{wanted}",
            f"{prefix};x{wanted}",
            f"{prefix}%2f{rest}",
            f"{prefix}/..;{prefix}{wanted}",
        ]
    return list(dict.fromkeys([*(f"{prefix}{path}" for path in below), *around]))


# What follows a request's headers; SMUGGLED stands for a request that only one of two hops sees.
TWO_LENGTHS = {
    "CL.TE": "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "TE.CL": "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nSMUGGLED\r\n0\r\n\r\n",
    "TE.TE": "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\nSMUGGLED",
    "space": "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nSMUGGLED",
    "tab": "Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nSMUGGLED",
    "line": "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nSMUGGLED",
    "two lengths": "Content-Length: 0\r\nContent-Length: 200\r\n\r\nSMUGGLED",
    "signed length": "Content-Length: +0\r\n\r\nSMUGGLED",
    "bare line feed": "Content-Length: 0\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nSMUGGLED",
    "huge chunk": "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nSMUGGLED",
}
