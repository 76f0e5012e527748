"""Tokens of programs: the issuer of service-account tokens, and its public keys."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from settings import Settings
from settings.schema.cluster import Cluster
from tools.doctor.facts import parts
from tools.preflight.api import Api, Found, Missing
from tools.preflight.wanted import Wanted

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"
IN_CLUSTER = "https://kubernetes.default.svc."
KEY_SET = "application/jwk-set+json"
CONSEQUENCE = "MLflow would refuse the token of every program (401)"


def issuer(wanted: Wanted, api: Api) -> Iterator[Found]:
    """The issuer of the API server's tokens, compared with the stack file's, and the keys of tokens."""
    if not isinstance(wanted.settings, Settings):
        return
    expected = wanted.settings.cluster.issuer
    said = api.find(DISCOVERY, "the issuer of service-account tokens", f"get {DISCOVERY}")
    if said is None:
        yield Missing(
            subject="issuer of service-account tokens",
            what=f"the API server publishes none, so that its tokens cannot be verified: {CONSEQUENCE}",
            remedy="set --service-account-issuer of the API server to a URL",
        )
    elif said["issuer"] != expected:
        yield Missing(
            subject="issuer of service-account tokens",
            what=f"the API server's tokens are from {said['issuer']}, the stack file expects {expected}: {CONSEQUENCE}",
            remedy=_setting(wanted.settings.cluster, str(said["issuer"])),
        )
    # Elsewhere the issuer publishes its keys itself, and pods reach it on another way than this machine.
    elif (urlsplit(expected).hostname or "").startswith("kubernetes.default"):
        keys = api.find(KEYS, "the public keys of service-account tokens", f"get {KEYS}", accept=KEY_SET)
        if not parts(keys, "keys"):
            yield Missing(
                subject="public keys of service-account tokens",
                what=f"the API server publishes none at {KEYS}: {CONSEQUENCE}",
                remedy="set --service-account-key-file and --service-account-jwks-uri of the API server",
            )


def _setting(cluster: Cluster, issuer: str) -> str:
    """The setting to change so that the platform expects this issuer: `cluster.domain`, or the issuer itself."""
    domain = issuer.removeprefix(IN_CLUSTER)
    if domain != issuer and cluster.service_account_issuer is None:
        return f"set cluster.domain: {domain}, with which the names of Services end too"
    return f"set cluster.serviceAccountIssuer: {issuer}"
