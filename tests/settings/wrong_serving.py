"""Models that cannot be served as the stack file says."""

from tests.settings.cases import Case

FRAUD: dict[str, object] = {"model": "fraud", "image": "registry.example.com/fraud:1.0"}
CHALLENGED = {**FRAUD, "challenger": {"share": 10}}
API_SERVER: dict[str, object] = {"cluster": {"apiServer": ["10.0.0.1/32"]}}
PLACE = "teams/team-a/serving"
PATH = "teams.team-a.serving"


def served(**changes: object) -> dict[str, object]:
    """A team's only served model with some keys replaced."""
    return {PLACE: {"fraud": {**FRAUD, **changes}}, **API_SERVER}


CASES = {
    "a share without a rest": Case(
        served(challenger={"share": 100}), f"{PATH}.fraud.challenger.share", "expected a whole number", "99"
    ),
    "an alias that MLflow reserves": Case(
        served(alias="latest"), f"{PATH}.fraud.alias", "expected an alias", "MLflow reserves that name"
    ),
    "an image that changes": Case(
        served(image="registry.example.com/fraud:latest"), f"{PATH}.fraud.image", "expected an image", "write a version"
    ),
    "a name that no Service may have": Case(
        {PLACE: {"2nd": FRAUD}, **API_SERVER}, f"{PATH}.2nd", "expected a name of at most 40", "begin with a letter"
    ),
    "the name of a challenger's server": Case(
        {PLACE: {"fraud": CHALLENGED, "fraud-challenger": FRAUD}, **API_SERVER},
        f"{PATH}.fraud-challenger",
        "belongs to the challenger of `fraud`",
        "choose another name",
    ),
    "a challenger of KServe": Case(
        served(kind="kserve", challenger={"share": 10}),
        f"{PATH}.fraud.challenger",
        "divides requests between revisions",
        "use kind `deployment`",
    ),
    "two aliases that are one": Case(
        served(challenger={"share": 10, "alias": "champion"}),
        f"{PATH}.fraud.challenger",
        'has the alias of the champion, "champion"',
        "choose another alias",
    ),
    "a request above its limit": Case(
        served(memory="2Gi"),
        f"{PATH}.fraud.memory",
        f'"2Gi" is more than {PATH}.fraud.memoryLimit "1Gi" (the default)',
        f"lower {PATH}.fraud.memory",
    ),
    "no room for so many pods": Case(
        {"teams/team-a": {"quota": {"pods": 5}, "serving": {"fraud": {**FRAUD, "replicas": 4}}}, **API_SERVER},
        PATH,
        "there are up to 6 pods; the team's quota is 5",
        "raise the team's quota",
    ),
    "addresses of the API server that nobody has listed": Case(
        {PLACE: {"fraud": FRAUD}},
        PATH,
        "to the addresses in cluster.apiServer, which is empty",
        "kubectl get endpointslices kubernetes",
    ),
    "the name of the pod that follows aliases": Case(
        {PLACE: {"model-rollout": FRAUD}, **API_SERVER},
        f"{PATH}.model-rollout",
        "is the name of the pod that follows the aliases",
        "choose another name",
    ),
    "the name of KServe's own Deployment": Case(
        {PLACE: {"fraud": {**FRAUD, "kind": "kserve"}, "fraud-predictor": FRAUD}, **API_SERVER},
        f"{PATH}.fraud-predictor",
        "KServe creates for `fraud`",
        "choose another name",
    ),
    "a name that MLflow gives no model": Case(
        served(model="fraud/v2"),
        f"{PATH}.fraud.model",
        "expected the name of a registered model",
        "without `/` and `:`",
    ),
    "pull Secrets in another namespace": Case(
        {**served(), "images": {"pullSecrets": ["registry"]}},
        f"{PATH}.fraud.pullSecrets",
        "pods beside the model run images of the platform",
        "add its name to teams.",
    ),
    "a namespace that cannot be one": Case(
        served(namespaces=["x" * 64]),
        f"{PATH}.fraud.namespaces[0]",
        "expected a name of lower-case letters",
        "choose another name",
    ),
    "no room for a rollout": Case(
        {"teams/team-a": {"serving": {"fraud": {**FRAUD, "replicas": 4, "cpuLimit": "4"}}}, **API_SERVER},
        PATH,
        "add up to 20.5 cores of CPU; the team's quota is 16",
        "raise the team's quota",
    ),
    "no room beside a challenger": Case(
        {"teams/team-a": {"serving": {"fraud": {**CHALLENGED, "memoryLimit": "16Gi"}}}, **API_SERVER},
        PATH,
        "add up to 82432Mi of memory; the team's quota is 64Gi",
        "raise the team's quota",
    ),
}
