"""Real requests with the token or the credentials of a team's program. Nothing is written."""

from http import HTTPStatus

from tools.doctor.facts import Facts, Object
from tools.doctor.fault import Fault

# The first release whose client knows workspaces.
WORKSPACES_SINCE = (3, 10)


def token(facts: Facts) -> Fault | None:
    """The token of a team's service account: the login has to accept its issuer and its audience."""
    result = facts.probe("token")
    accepted = [tuple(pair) for pair in facts.probes.get("accepted") or ()]
    if not accepted or "issuer" not in result:
        return None
    if any(issuer == result["issuer"] and audience in result["audiences"] for issuer, audience in accepted):
        return None
    issuers = ", ".join(sorted({issuer for issuer, _ in accepted}))
    return Fault(
        cause="issuer",
        subject="tokens of service accounts",
        what=f"their issuer is {result['issuer']}, but the login accepts {issuers}: programs are refused (401)",
        mend=f"{facts.make('up')}  # after setting cluster.serviceAccountIssuer to {result['issuer']}",
    )


def tracking(facts: Facts) -> Fault | None:
    """A search for experiments in a team's workspace."""
    return _judged(facts, "tracking", "experiments cannot be read")


def registry(facts: Facts) -> Fault | None:
    """A search for registered models; an alias and a stage, if a model has one."""
    for name, what in (
        ("registry", "registered models cannot be read"),
        ("alias", "a model's alias points to no version"),
        ("stage", "the versions of a model's stage cannot be read"),
    ):
        if fault := _judged(facts, name, what):
            return fault
    return None


def artifacts(facts: Facts) -> Fault | None:
    """A listing of artifacts, of the run that a registered model's version comes from.

    An empty list is no fault: a team may delete files, and the files of a logged model are not the run's.
    """
    return _judged(facts, "artifacts", "artifacts cannot be listed")


def _judged(facts: Facts, name: str, what: str) -> Fault | None:
    result = facts.probe(name)
    status = result.get("status")
    if facts.platform.paused or not result or status == HTTPStatus.OK:
        return None
    space = facts.platform.namespace
    logs = f"kubectl logs deployment/mlflow --container=mlflow --tail=50 --namespace={space}"
    workspace = result.get("workspace")
    known: dict[int, tuple[str, str]] = {
        401: (
            "the login refuses the token of a team's program",
            f"kubectl logs deployment/mlflow --container=oauth2-proxy --tail=20 --namespace={space}",
        ),
        403: (
            f"the program of workspace {workspace} is refused: its RoleBinding or the server's own rights are missing",
            facts.redeploy,
        ),
        404: (
            f"MLflow does not know workspace {workspace}, or the object in it",
            f"kubectl get namespaces --show-labels  # docs/teams.md; then {logs}",
        ),
    }
    said, mend = known.get(int(status or 0), ("the server fails", logs))
    return Fault(
        cause=str(status or "no-answer"),
        subject=f"{name} in workspace {workspace}" if workspace else name,
        what=f"{what}: {said}",
        evidence=_evidence(result),
        mend=mend,
    )


def _evidence(result: Object) -> str:
    said = str(result.get("error") or result.get("body") or "")
    return f"{result['status']} {said}".strip() if result.get("status") else said


def versions(facts: Facts) -> Fault | None:
    """The versions of MLflow: of the server and of the client."""
    body = str(facts.probe("version").get("body") or "")
    server, client = _numbers(body), _numbers(facts.client)
    if not server or not client:
        return None
    said = ""
    if client[0] != server[0]:
        said = "their major versions differ"
    elif client[:2] < WORKSPACES_SINCE and any(team.workspace for team in facts.platform.teams.values()):
        said = "it does not know workspaces, and the server refuses requests without one (400)"
    elif client[:2] > server[:2]:
        said = "it is newer, and uses requests that the server does not have (404)"
    if not said:
        return None
    return Fault(
        cause="versions",
        subject=f"MLflow client {facts.client}",
        what=f"it does not match the server's MLflow {body}: {said}",
        mend=f"pip install 'mlflow=={body}'",
    )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.strip().split(".")
    numbers = [int(part) for part in parts[:2] if part.isdigit()]
    return tuple(numbers) if len(numbers) == 2 else ()  # noqa: PLR2004 - major and minor


def connectivity(facts: Facts) -> Fault | None:
    """Connectivity of each team's pods to a tracking server that somebody else runs."""
    failed = facts.probe("connectivity")
    if not failed:
        return None
    said = failed[min(failed)]
    what, _, mend = said.partition("; ")
    all_of_them = ", ".join(sorted(failed))
    return Fault(
        cause="connectivity",
        subject=f"{facts.platform.url} from team {all_of_them}"
        if len(failed) == 1
        else f"{facts.platform.url} from the teams {all_of_them}",
        what=what,
        mend=mend or "find the message in docs/external.md, which has its remedy",
    )
