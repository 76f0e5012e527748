"""Database, schema, artifact store, DNS and issuers, as the server's pod sees them."""

from tools.doctor import messages
from tools.doctor.chapters.networks import dns_pods
from tools.doctor.facts import Facts, part, parts
from tools.doctor.fault import Fault


def dns(facts: Facts) -> Fault | None:
    """The cluster's DNS: a name that every cluster has does not resolve in the server's pod."""
    resolved = part(facts.pod, "cluster_name")
    if not resolved.get("error"):
        return None
    return Fault(
        cause="dns",
        subject="cluster DNS",
        what="names do not resolve in the server's pod: it finds neither database nor store",
        evidence=str(resolved["error"]),
        mend=f"{_look(facts)}  # if DNS is elsewhere, set cluster.dns (docs/own-cluster.md)",
    )


def _look(facts: Facts) -> str:
    """The command that shows the DNS to which NetworkPolicies let pods connect."""
    for space, selector in dns_pods(facts):
        return f"kubectl get deployments,pods --namespace={space} --selector={selector}"
    return f"kubectl exec deployment/mlflow --namespace={facts.platform.namespace} -- cat /etc/resolv.conf"


def database(facts: Facts) -> Fault | None:
    """A connection to the database with the server's own credentials."""
    return _probed(facts, "database")


def store(facts: Facts) -> Fault | None:
    """A listing of the artifact store with the server's own credentials."""
    return _probed(facts, "artifact store")


def _probed(facts: Facts, subject: str) -> Fault | None:
    result = part(facts.pod, subject.replace(" ", "_"))
    error = str(result.get("error") or "")
    if not error:
        return None
    where = str(result.get("where") or "")
    found = messages.meaning(facts, subject, error)
    return Fault(
        cause=found.cause if found else "failed",
        subject=f"{subject} {where}".strip(),
        what=found.what if found else f"the server cannot use the {subject}",
        evidence=error,
        mend=found.mend if found else f"kubectl logs deployment/mlflow --namespace={facts.platform.namespace}",
    )


def schema(facts: Facts) -> Fault | None:
    """The schema's revision, compared with the newest one of the server's MLflow."""
    result = part(facts.pod, "database")
    head, revision = result.get("head"), result.get("revision")
    if result.get("error") or not head or revision == head:
        return None
    newer = revision is not None and revision not in (result.get("known") or ())
    said = (
        "a newer MLflow has upgraded it; a migration cannot be undone"
        if newer
        else "the schema migration has not run, or not on this database"
    )
    return Fault(
        cause="newer" if newer else "not-at-head",
        subject=f"schema of database {result.get('where', '')}".strip(),
        what=f"its revision is {revision}, but the server's MLflow needs {head}: {said}",
        mend=f"{facts.redeploy}  # docs/upgrade.md"
        if not newer
        else f"{facts.make('up')}  # after setting server.image to that version",
    )


def issuers(facts: Facts) -> Fault | None:
    """Issuers of tokens, whose configuration and public keys the login reads over the network."""
    for one in parts(facts.pod, "issuers"):
        url = one["url"]
        if one.get("error"):
            return Fault(
                cause="unreachable",
                subject=f"issuer {url}",
                what="the server's pod cannot read its configuration or its public keys: nobody can sign in with it, "
                "and its tokens are refused (401)",
                evidence=str(one["error"]),
                mend=f"curl {url.rstrip('/')}/.well-known/openid-configuration",
            )
        if one["issuer"] != url:
            return Fault(
                cause="issuer",
                subject=f"issuer {url}",
                what=f"its configuration names {one['issuer']} instead, so its tokens are refused (401)",
                mend=f"{facts.make('up')}  # after setting the issuer in the stack file to {one['issuer']}",
            )
        if not one["keys"]:
            return Fault(
                cause="keys",
                subject=f"issuer {url}",
                what="it publishes no public key: its tokens cannot be verified, and are refused (401)",
                mend=f"curl {url.rstrip('/')}/.well-known/openid-configuration  # then its jwks_uri",
            )
    return None
