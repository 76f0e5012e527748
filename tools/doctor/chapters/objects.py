"""Objects that the stack has deployed, and that others have deleted or changed."""

from tools.doctor.expected import difference
from tools.doctor.facts import Expected, Facts, described, name_of, part, parts
from tools.doctor.fault import Fault

MENU_LABEL = "aml.cpaas.io/centralMenuItem"
MENU = "aml-mlflow-menu-config"
SELECTOR_VARIABLE = "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR"
SELECTOR = "mlflow-enabled=true"


def gone_or_changed(facts: Facts, one: Expected, consequence: str) -> Fault | None:
    """The fault of one deployed object: it does not exist, or a compared field is not as deployed."""
    live = facts.find(one.kind, one.namespace, one.name)
    if live is None:
        if not facts.readable(one.kind, one.namespace, one.name):
            return None
        return Fault(cause="missing", subject=str(one), what=f"it does not exist: {consequence}", mend=facts.redeploy)
    if said := difference(one, live):
        return Fault(
            cause="changed",
            subject=str(one),
            what=f"it is not as it was deployed: {consequence}",
            evidence=said,
            mend=facts.redeploy,
        )
    return None


def first(facts: Facts, kinds: tuple[str, ...], consequence: str) -> Fault | None:
    """The first fault among the deployed objects of some kinds."""
    faults = (gone_or_changed(facts, one, consequence) for one in facts.deployed(*kinds))
    return next((fault for fault in faults if fault), None)


def namespaces(facts: Facts) -> Fault | None:
    """Namespaces of the platform and of teams that do not exist, or are being deleted."""
    for one in facts.deployed("Namespace"):
        live = facts.find("Namespace", "", one.name)
        if live is None and facts.readable("Namespace", "", one.name):
            return Fault(
                cause="missing",
                subject=str(one),
                what="it does not exist, and neither does anything in it",
                mend=facts.redeploy,
            )
        if live is not None and "deletionTimestamp" in live["metadata"]:
            return Fault(
                cause="deleted",
                subject=str(one),
                what="it is being deleted, with everything in it",
                mend=f"kubectl get namespace {one.name} --output=yaml  # its conditions say what it waits for",
            )
    return None


def labels(facts: Facts) -> Fault | None:
    """Labels of namespaces: without its label, a team's namespace is no workspace of MLflow."""
    key, _, value = _selector(facts).partition("=")
    teams = {team.namespace for team in facts.platform.teams.values() if team.workspace is not None}
    for live in facts.every("Namespace"):
        found = part(live, "metadata", "labels").get(key)
        if name_of(live) in teams and found != value:
            said = "has no label" if found is None else f"has the label {key}={found}, expected"
            return Fault(
                cause="label",
                subject=described("Namespace", "", name_of(live)),
                what=f"it {said} {key}={value}: MLflow does not know the workspace, and answers 404 for it",
                mend=f"kubectl label namespace {name_of(live)} --overwrite {key}={value}",
            )
    return first(facts, ("Namespace",), "its labels decide about Pod Security and access")


def _selector(facts: Facts) -> str:
    for server in facts.every("Deployment", facts.platform.namespace):
        for container in parts(server, "spec", "template", "spec", "containers"):
            for variable in parts(container, "env"):
                if variable["name"] == SELECTOR_VARIABLE:
                    return str(variable.get("value", SELECTOR))
    return SELECTOR


def is_menu(one: Expected) -> bool:
    """True if a deployed object is an entry of a portal's menu."""
    return one.name == MENU or one.kind == "ConsoleLink"


def configuration(facts: Facts) -> Fault | None:
    """Secrets, ConfigMaps and volume claims that pods, clients and the server read, and bounds of teams."""
    consequence = "pods, the clients of a team, or the server's list of known names depend on it"
    for one in facts.deployed("Secret", "ConfigMap", "PersistentVolumeClaim", "ResourceQuota", "LimitRange"):
        if not is_menu(one) and (fault := gone_or_changed(facts, one, consequence)):
            return fault
    return None


def menu(facts: Facts) -> Fault | None:
    """The entry in a portal's menu, if the stack has one."""
    for one in facts.deployed("ConfigMap", "ConsoleLink"):
        if is_menu(one) and (fault := gone_or_changed(facts, one, "the portal's menu does not show MLflow")):
            return fault
    return None


def services(facts: Facts) -> Fault | None:
    """Services, through which pods and the ingress controller find each other."""
    return first(facts, ("Service",), "connections to it fail or reach the wrong pods (502, 404, refused)")


def routes(facts: Facts) -> Fault | None:
    """Ingresses and routes, through which requests come in from outside the cluster."""
    consequence = "the ingress controller does not forward requests to the platform as it should (404, 502)"
    return first(facts, ("Gateway", "Ingress", "HTTPRoute", "Middleware"), consequence)
