"""Rules of the sections `scheduling`: tolerations, image pull policy, and labels of pods and of teams' namespaces."""

from collections.abc import Callable, Iterator

from settings.faults import Fault, setting, shown
from settings.modes import AnySettings
from settings.partial import Key, key, known, numbered
from settings.schema.external import ExternalSettings
from settings.schema.scheduling import Scheduling, TeamScheduling, Toleration
from settings.schema.stack import Settings

Section = Scheduling | TeamScheduling
# Nothing is pulled from there: such images are built on the node, or loaded into it.
LOCAL = "localhost/"


def tolerations(settings: AnySettings) -> Iterator[Fault]:
    """Check that Kubernetes accepts each toleration."""
    for section in _sections(settings):
        yield from known(_tolerations(section))


def _sections(settings: AnySettings) -> Iterator[Section]:
    yield settings.scheduling
    if isinstance(settings, Settings):
        yield from known(team.scheduling for team in settings.teams.values())


def _tolerations(section: Section) -> Iterator[Fault]:
    path = key(section, lambda one: one.tolerations)
    for index, toleration in numbered(section.tolerations or ()):
        yield from _toleration(path.entry(index), toleration)


def _toleration(path: str, one: Toleration) -> Iterator[Fault]:
    if one.operator == "Exists" and one.value is not None:
        yield Fault(
            f"{path}.value",
            f"has no effect with operator `Exists`, which tolerates any value; found {shown(one.value)}",
            "remove it, or write `operator: Equal`",
        )
    if one.key is None and one.operator == "Equal":
        yield Fault(
            f"{path}.key",
            "is missing; operator `Equal` compares the value of one taint",
            "add the key of the taint, or tolerate all taints with `operator: Exists`",
        )
    if one.toleration_seconds is not None and one.effect != "NoExecute":
        yield Fault(
            f"{path}.tolerationSeconds",
            "is only possible with effect `NoExecute`, which evicts running pods",
            "remove it, or write `effect: NoExecute`",
        )


def pull_policy(settings: AnySettings) -> Iterator[Fault]:
    """Check that nodes can get the images with the image pull policy."""
    yield from known(_pull_policy(settings, settings.scheduling, *_image(settings)))
    if isinstance(settings, Settings):
        for team in settings.teams.values():
            for model in team.serving.values():
                image = key(model, lambda one: one.image)
                yield from known(_pull_policy(settings, team.scheduling, image, lambda model=model: model.image))


def _image(settings: AnySettings) -> tuple[Key, Callable[[], str]]:
    """The image that the rule checks in place of all the platform's images: its key, and a function that reads it."""
    if isinstance(settings, ExternalSettings):
        return key(settings, lambda one: one.images.check), lambda: settings.images.check
    return key(settings, lambda one: one.server.image), lambda: settings.server.image


def _pull_policy(settings: AnySettings, section: Section, image: Key, read: Callable[[], str]) -> Iterator[Fault]:
    path, policy = key(section, lambda one: one.image_pull_policy), section.image_pull_policy
    reference = settings.images.registry or read()
    if policy == "Never" and not f"{reference}/".startswith(LOCAL):
        yield Fault(
            path,
            f"`Never` runs only images that are on every node already, but {image} comes from a registry",
            setting({path: "IfNotPresent"}),
        )
    if policy == "Always" and f"{reference}/".startswith(LOCAL):
        yield Fault(
            path,
            f"`Always` asks a registry before each start of a container, but {image} {image.shown} is in none",
            f"remove {path}, or push the image to a registry",
        )


def workspace_label(settings: Settings) -> Iterator[Fault]:
    """Check that no label of pods or of a team's namespace is the one that makes a namespace a workspace."""
    (name,) = settings.workspace_labels
    owner = key(settings.workspaces, lambda one: one.label)
    remedy = f"remove it: {owner} is the label of every team's namespace"
    for section in _sections(settings):
        if name in (section.labels or {}):
            yield Fault(key(section, lambda one: one.labels).entry(name), f"is the label in {owner}", remedy)
    for team in settings.teams.values():
        if name in team.namespace_labels:
            yield Fault(key(team, lambda one: one.namespace_labels).entry(name), f"is the label in {owner}", remedy)


RULES = (tolerations, pull_policy, workspace_label)
RULES_WITHOUT_A_SERVER = (tolerations, pull_policy)
