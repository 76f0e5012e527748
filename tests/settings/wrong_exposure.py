"""Wrong combinations of the ingress controller with `gateway`, `certificate` and other settings of exposure."""

from tests.settings.cases import Case

NGINX: dict[str, object] = {
    "ingressController": "ingress-nginx",
    "ingressClass": "nginx",
    "ingressNamespace": "ingress-nginx",
}

CASES = {
    "Traefik's class for ingress-nginx": Case(
        {"cluster": {**NGINX, "ingressClass": "traefik"}},
        "cluster.ingressClass",
        'is "traefik", but cluster.ingressController is `ingress-nginx`',
        'set cluster.ingressClass "nginx"',
    ),
    "Traefik's namespace for ingress-nginx": Case(
        {"cluster": {"ingressController": "ingress-nginx", "ingressClass": "nginx"}},
        "cluster.ingressNamespace",
        'is "traefik" (the default), but cluster.ingressController is `ingress-nginx`',
        'set cluster.ingressNamespace "ingress-nginx"',
    ),
    "ForwardAuth with ingress-nginx": Case(
        {"cluster": NGINX, "gateway": {"kind": "ingress", "login": "forward-auth"}},
        "gateway.login",
        "`forward-auth` needs Traefik",
        "use `reverse-proxy`",
    ),
    "ingress-nginx without an Ingress": Case(
        {"cluster": {"ingressController": "ingress-nginx"}, "gateway": {"kind": "http-route"}},
        "cluster.ingressController",
        "is ignored: gateway.kind `http-route` creates no Ingress",
        "remove cluster.ingressController",
    ),
    "a log-only account that may write": Case(
        {"teams/team-a": {"serviceAccounts": ["trainer"], "loggingAccounts": ["team-a/trainer"]}},
        "teams.team-a.loggingAccounts",
        'lists "team-a/trainer", which teams.team-a.serviceAccounts lists too',
        "list it in one of them",
    ),
    "the team's own account as a log-only one": Case(
        {"teams/team-a": {"loggingAccounts": ["mlflow-client"]}},
        "teams.team-a.loggingAccounts",
        'lists "team-a/mlflow-client", which the platform creates and which already has access',
        "remove it",
    ),
    "a log-only account in the platform's namespace": Case(
        {"teams/team-a": {"loggingAccounts": ["mlflow/tasks"]}},
        "teams.team-a.loggingAccounts",
        "in the platform's namespace",
        "use a service account in the team's namespace",
    ),
}
