"""The checks of a cluster, in the order of the report.

A check asks the API server and yields what is missing. A further check is a function in a module here and a line in
`CHECKS`. A check must not report what another check reports: each cause is reported once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.preflight.api import Api, Found, UnseenError
from tools.preflight.checks import cluster, existing, exposure, rights, scheduling, tokens
from tools.preflight.wanted import Wanted

PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name in the report, and the function that asks the API server."""

    name: str
    ask: Callable[[Wanted, Api], Iterator[Found]]


CHECKS: tuple[Check, ...] = (
    Check("version", cluster.version),
    Check("kinds", cluster.kinds),
    Check("rights", rights.rights),
    Check("names", existing.names),
    Check("namespace", existing.namespace),
    Check("team namespaces", existing.team_namespaces),
    Check("pod security", cluster.pod_security),
    Check("cluster DNS", cluster.dns),
    Check("issuer", tokens.issuer),
    Check("storage class", cluster.storage),
    Check("nodes", scheduling.nodes),
    Check("priority class", scheduling.priority_classes),
    Check("ingress class", exposure.classes),
    Check("ingress controller", exposure.controller),
    Check("certificate issuer", exposure.issuers),
    Check("secret store", existing.stores),
    Check("secrets", existing.secrets),
    Check("metrics server", cluster.metrics),
    Check("prometheus", exposure.prometheus),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check has found."""

    check: str
    found: Found


def ask_all(wanted: Wanted, api: Api) -> list[Finding]:
    """The findings of all checks, in their order."""

    def ask(check: Check) -> list[Finding]:
        found: list[Finding] = []
        try:
            found.extend(Finding(check.name, one) for one in check.ask(wanted, api))
        except UnseenError as error:
            found.append(Finding(check.name, error.unseen))
        return found

    with ThreadPoolExecutor(PARALLEL) as pool:
        return [one for found in pool.map(ask, CHECKS) for one in found]
