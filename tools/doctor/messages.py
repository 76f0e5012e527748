"""Meanings of error messages of PostgreSQL's client, the S3 client and the login, in logs and in results of probes."""

import re
from dataclasses import dataclass

from tools.doctor.facts import Facts
from tools.doctor.fault import Fault


@dataclass(frozen=True, slots=True)
class Meaning:
    """A pattern of messages, and the fault that they mean."""

    pattern: re.Pattern[str]
    cause: str
    what: str
    mend: str
    """A command; `{redeploy}`, `{up}` and `{namespace}` are replaced."""


def _meaning(pattern: str, cause: str, what: str, mend: str) -> Meaning:
    return Meaning(re.compile(pattern, re.IGNORECASE), cause, what, mend)


CREDENTIALS = (
    "kubectl rollout restart deployment/mlflow --namespace={namespace}  # if only the pod is older than the Secret;"
    " else set the role's password to that of the Secret (docs/own-services.md)"
)
DATABASE = (
    _meaning("password authentication failed|no password supplied|role .* does not exist", "credentials",
             "the database refuses the server's role or its password", CREDENTIALS),
    _meaning("database .* does not exist", "no-database",
             "the database does not exist on its server", "{redeploy}"),
    _meaning("no pg_hba.conf entry|is not permitted to log in", "refused",
             "the database server does not admit this role from this address",
             "kubectl logs statefulset/postgres --namespace={namespace}  # or your own server's pg_hba.conf"),
    _meaning("too many (clients|connections)|remaining connection slots", "connections",
             "the database has no free connection",
             "{up}  # after raising database.maxConnections or lowering server.replicas (docs/sizing.md)"),
    _meaning("certificate|does not support SSL|SSL error|root.crt", "tls",
             "the database's TLS certificate is not trusted, or it offers no TLS",
             "{up}  # after correcting database.authority in the stack file (docs/own-services.md)"),
    _meaning("permission denied for|must be owner|insufficient ?privilege", "grants",
             "the server's role lacks privileges on MLflow's tables",
             "{redeploy}  # the schema migration grants them"),
    _meaning("failed to resolve host|could not translate host name|name or service not known"
             "|temporary failure in name resolution|no address associated", "name",
             "the database's host name does not resolve", "kubectl get service,endpointslices --namespace={namespace}"),
    _meaning("database system is (starting up|shutting down|in recovery)", "starting",
             "the database is starting or shutting down", "kubectl get pods --namespace={namespace} --watch"),
    _meaning("connection refused|timed? ?out|timeout expired|no route to host|server closed the connection"
             "|connection reset|could not connect", "unreachable",
             "the database does not answer at its address",
             "kubectl get pods,endpointslices,networkpolicies --namespace={namespace}  # or a firewall"),
)  # fmt: skip
STORE = (
    _meaning("RequestTimeTooSkewed", "clock",
             "the clocks of the server's node and of the artifact store differ",
             "timedatectl status  # on the nodes: is the time synchronised?"),
    _meaning("InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Forbidden|ExpiredToken|InvalidToken"
             "|Unable to locate credentials|NoCredentials|AssumeRole", "credentials",
             "the artifact store refuses the server's access key, or the key does not give access to the bucket",
             "{redeploy}  # for a store of your own: correct its key or policy (docs/own-services.md, docs/aws.md)"),
    _meaning("NoSuchBucket|Not Found|404", "no-bucket",
             "the bucket does not exist in the artifact store",
             "{redeploy}  # for a store of your own: create the bucket, or correct artifacts.bucket"),
    _meaning("CERTIFICATE_VERIFY_FAILED|SSLError|SSL validation", "tls",
             "the artifact store's TLS certificate is not trusted",
             "{up}  # after correcting cluster.authorities in the stack file (docs/own-services.md)"),
    _meaning("NoSuchKey|EndpointConnectionError|Could not connect|ConnectTimeout|ReadTimeout|timed out"
             "|Connection refused|Connection was closed|ConnectionError|ServiceUnavailable|SlowDown|InternalError",
             "unreachable", "the artifact store does not answer at its address",
             "kubectl get pods,endpointslices,networkpolicies --namespace={namespace}  # or a firewall"),
    _meaning("No space left|Read-only file system|Permission denied", "volume",
             "the volume for artifacts is full, or cannot be written",
             "kubectl get persistentvolumeclaims --namespace={namespace}"),
)  # fmt: skip
LOGIN = (
    _meaning(r"failed to (discover|initialise).*(OIDC|provider)|error while discovery|issuer did not match",
             "discovery",
             "the login cannot read the identity provider's configuration, and does not start",
             "kubectl logs deployment/mlflow --container=oauth2-proxy --namespace={namespace}"),
)  # fmt: skip
PARTS = (("database", DATABASE), ("artifact store", STORE), ("login", LOGIN))
# A line of the server's log that is about the database or the store, and not about something else that was refused.
RELEVANT = {
    "database": re.compile(r"psycopg|sqlalchemy|postgres|FATAL:", re.IGNORECASE),
    "artifact store": re.compile(r"botocore|boto3|\bs3\b", re.IGNORECASE),
    "login": re.compile(r"oidc|provider|issuer", re.IGNORECASE),
}


def meaning(facts: Facts, part: str, message: str) -> Fault | None:
    """The fault that a component's error message means; None if the message is unknown."""
    for known in dict(PARTS)[part]:
        if known.pattern.search(message):
            return Fault(
                cause=known.cause,
                subject=part,
                what=known.what,
                evidence=message,
                mend=known.mend.format(
                    redeploy=facts.redeploy, up=facts.make("up"), namespace=facts.platform.namespace
                ),
            )
    return None


def explained(facts: Facts, line: str) -> Fault | None:
    """The fault that a line of a container's log means; None if no known message matches."""
    for part, relevant in RELEVANT.items():
        if relevant.search(line) and (fault := meaning(facts, part, line)):
            return fault
    return None


def telling(log: str) -> str:
    """The line of a log that says most about a failure: the last known message, else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    known = [
        line
        for line in lines
        if any(RELEVANT[part].search(line) and any(one.pattern.search(line) for one in group) for part, group in PARTS)
    ]
    return (known or lines or [""])[-1][:400]
