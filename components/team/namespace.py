"""A team's namespace: one of the platform's, or an existing one that keeps its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.namespace import POD_SECURITY_LABELS
from components.kubernetes.pods import PART_OF

core = k8s.core.v1

# Tells the policy pack, and readers, that the namespace may be deleted.
ARCHIVED_LABELS = {"mlflow-platform/archived": "true"}
DESCRIPTION_ANNOTATION = "mlflow.kubeflow.org/workspace-description"
# Names who has taken an existing namespace over. Kubernetes refuses a second one: a field cannot have two values.
OWNER = "mlflow-platform/owner"
# Pulumi's provider draws a name for each patch. With a fixed one, a patch whose creation was interrupted is the same
# the next time; otherwise the labels of the first would have an owner that nobody removes. It ends with the owner:
# with one name for all stacks, each would take away what another one has set.
FIELD_MANAGER = "pulumi.com/patchFieldManager"
MANAGER = "pulumi-kubernetes-mlflow-platform-"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamespaceSettings:
    """Creation, labels and annotations of a team's namespace that the team may choose."""

    create: bool = True
    """False for a namespace that exists already: it gets labels, and loses them when the team is removed."""

    owner: str = ""
    """Name of the platform that takes an existing namespace over, unique in the cluster; needed if `create` is False.

    It is the value of a label, and so has at most 63 characters."""

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels in addition to the platform's, which cannot be overridden."""

    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    """Annotations in addition to the platform's, which cannot be overridden."""

    def __post_init__(self) -> None:
        """Refuse an existing namespace without an owner.

        Raises:
            ValueError: `owner` is missing.
        """
        if not self.create and not self.owner:
            raise ValueError("a namespace that exists already needs the name of its owner")


OWN = NamespaceSettings()


def namespace(
    name: str,
    team: str,
    settings: NamespaceSettings,
    *,
    labels: Mapping[str, str],
    description: str,
    archived: bool,
    durable: bool,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Create the namespace `team`, or label it; returns its name once it has its labels.

    A namespace that the platform creates is protected from deletion if it is `durable`, unless the team is archived. An
    existing one is never deleted.
    """
    every = {
        **settings.labels,
        **labels,
        **POD_SECURITY_LABELS,
        **(ARCHIVED_LABELS if archived else {}),
    }
    annotations = {**settings.annotations, DESCRIPTION_ANNOTATION: description}
    if not settings.create:
        # Server-side apply: the patch owns these fields and nothing else. A field with another value of another owner
        # is an error; fields without another owner are gone when the patch is deleted.
        patch = core.NamespacePatch(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaPatchArgs(
                name=team,
                labels={**every, OWNER: settings.owner},
                annotations={**annotations, FIELD_MANAGER: f"{MANAGER}{settings.owner}"},
            ),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        return patch.metadata.name
    protected = durable and not archived
    created = core.Namespace(
        f"{name}-namespace",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=team, labels={"app.kubernetes.io/part-of": PART_OF, **every}, annotations=annotations
        ),
        opts=pulumi.ResourceOptions(parent=parent, protect=protected, retain_on_delete=protected),
    )
    return created.metadata.name
