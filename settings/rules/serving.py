"""Rules of the section `teams.<team>.serving`: names, kinds, aliases, and room in the team's quota."""

import itertools
from collections.abc import Callable, Iterator

from components.sizes import ROLLOUT_CPU, ROLLOUT_MEMORY, SPLIT_CPU, SPLIT_MEMORY, SPLIT_PODS, SURGE
from settings.faults import Fault
from settings.partial import key, known
from settings.schema.serving import ServedModel
from settings.schema.stack import Settings
from settings.types.quantities import cpu_in_cores, mebibytes, size_in_bytes

# Name of the team's Deployment that follows the aliases (components/serving/contract.py, which is slow to import).
ROLLOUT = "model-rollout"
Amount = Callable[[ServedModel], str]
ORDERS: tuple[tuple[Amount, Amount, Callable[[str], float]], ...] = (
    (lambda one: one.cpu, lambda one: one.cpu_limit, cpu_in_cores),
    (lambda one: one.memory, lambda one: one.memory_limit, size_in_bytes),
)


def models(settings: Settings) -> Iterator[Fault]:
    """Check each served model by itself."""
    for team, check in itertools.product(settings.teams, (_names, _kind, _aliases, _requests, _pull_secrets)):
        for served in known(settings.teams[team].serving):
            yield from known(check(settings, team, served))


def _names(settings: Settings, team: str, served: str) -> Iterator[Fault]:
    """Check that no model has the name of an object that belongs to another model, or to the team."""
    path, serving = key(settings, lambda one: one.teams[team].serving[served]), settings.teams[team].serving
    if served == ROLLOUT:
        yield Fault(path, "is the name of the pod that follows the aliases of the team's models", "choose another name")
    for suffix in ("champion", "challenger", "split"):
        other = served.removesuffix(f"-{suffix}")
        if other != served and other in serving and serving[other].challenger is not None:
            yield Fault(
                path,
                f"is the name of an object that belongs to the challenger of `{other}`",
                "choose another name",
            )
    other = served.removesuffix("-predictor")
    if other != served and other in serving and serving[other].kind == "kserve":
        yield Fault(path, f"is the name of an object that KServe creates for `{other}`", "choose another name")


def _pull_secrets(settings: Settings, team: str, served: str) -> Iterator[Fault]:
    """Check that the platform's own images can be pulled in the team's namespace too."""
    model = settings.teams[team].serving[served]
    if settings.images.pull_secrets and not model.pull_secrets:
        path = key(model, lambda one: one.pull_secrets)
        yield Fault(
            path,
            f"is empty; pods beside the model run images of the platform, for which"
            f" {key(settings.images, lambda one: one.pull_secrets)} names Secrets in another namespace",
            f"create an image pull Secret in the team's namespace, and add its name to {path}",
        )


def _kind(settings: Settings, team: str, served: str) -> Iterator[Fault]:
    """Check that an InferenceService has no challenger."""
    model = settings.teams[team].serving[served]
    if model.kind == "kserve" and model.challenger is not None:
        yield Fault(
            key(model, lambda one: one.challenger),
            "is not possible with kind `kserve`, which divides requests between revisions and not between aliases",
            "remove it, or use kind `deployment`",
        )


def _aliases(settings: Settings, team: str, served: str) -> Iterator[Fault]:
    """Check that champion and challenger have different aliases."""
    model = settings.teams[team].serving[served]
    if model.challenger is not None and model.challenger.alias == model.alias:
        yield Fault(
            key(model, lambda one: one.challenger),
            f'has the alias of the champion, "{model.alias}"',
            "choose another alias for one of the two",
        )


def _requests(settings: Settings, team: str, served: str) -> Iterator[Fault]:
    """Check that no request is larger than its limit."""
    model = settings.teams[team].serving[served]
    for less, more, number in ORDERS:
        if number(less(model)) > number(more(model)):
            small, large = key(model, less), key(model, more)
            yield Fault(
                small,
                f'"{less(model)}" is more than {large} {large.shown}; Kubernetes rejects a request above its limit',
                f"lower {small} or raise {large}",
            )


def api_server(settings: Settings) -> Iterator[Fault]:
    """Check that `cluster.apiServer` lists the API server's addresses if a team serves models."""
    addresses = key(settings.cluster, lambda one: one.api_server)
    for team in settings.teams.values():
        if team.serving and not settings.cluster.api_server:
            yield Fault(
                key(team, lambda one: one.serving),
                f"lets a pod of the team connect to the addresses in {addresses}, which is empty",
                "add the addresses (`kubectl get endpointslices kubernetes --namespace default`)",
            )


def room(settings: Settings) -> Iterator[Fault]:
    """Check that each team's quota has room for its model servers while they are replaced."""
    for team in settings.teams:
        yield from known(_room(settings, team))


def _room(settings: Settings, team: str) -> Iterator[Fault]:
    serving, quota = settings.teams[team].serving, settings.team(team).quota
    if not serving:
        return
    # Number of pods, and the limits of each.
    pods = [(1, ROLLOUT_CPU, ROLLOUT_MEMORY)]
    for model in serving.values():
        aliases = 2 if model.challenger else 1
        pods.append((model.pods + SURGE * aliases, model.cpu_limit, model.memory_limit))
        if model.challenger:
            pods.append((SPLIT_PODS + SURGE, SPLIT_CPU, SPLIT_MEMORY))
    cpu = sum(number * cpu_in_cores(limit) for number, limit, _ in pods)
    memory = sum(number * size_in_bytes(limit) for number, _, limit in pods)
    number = sum(count for count, _, _ in pods)
    for what, enough, shown, limit in (
        ("pods", number <= quota.pods, f"{number} pods", f"{quota.pods}"),
        ("CPU", cpu <= cpu_in_cores(quota.cpu), f"{cpu:g} cores", quota.cpu),
        ("memory", memory <= size_in_bytes(quota.memory), mebibytes(memory), quota.memory),
    ):
        if not enough:
            yield Fault(
                key(settings, lambda one: one.teams[team].serving),
                f"during a replacement there are up to {shown}; the team's quota is {limit}"
                if what == "pods"
                else f"during a replacement the limits of all pods add up to {shown} of {what}; the team's quota is"
                f" {limit}",
                "lower replicas or limits, or raise the team's quota",
            )


RULES = (models, api_server, room)
