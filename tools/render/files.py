"""The files of a rendered stack: a kustomize base, its overlays, Argo CD Applications, and a list of prerequisites."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import yaml

from tools.render.objects import Item, Rendered
from tools.render.values import Json

Overlay = Literal["dev", "full"]
OVERLAYS: tuple[Overlay, ...] = get_args(Overlay)
HEADER = "# Written by `make render`; the next run overwrites it.\n"
SIZES: Mapping[Overlay, str] = {
    "dev": "one replica, no autoscaler and no disruption budget",
    "full": "everything as the stack file says",
}
# Kinds that are of use only with more than one replica.
OF_MANY = ("HorizontalPodAutoscaler", "PodDisruptionBudget")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """The place from which Argo CD reads the files."""

    url: str
    revision: str
    folder: str
    """Path of the rendered folder in the repository."""


class _Dumper(yaml.SafeDumper):
    """YAML with texts of several lines as blocks, which a review can read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)  # pyright: ignore[reportUnknownMemberType] - has no types


_Dumper.add_representer(str, _text)


def dumped(document: object) -> str:
    """A document as YAML with a header."""
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def files(rendered: Rendered, stack: str, overlays: Iterable[Overlay], repository: Repository) -> dict[str, str]:
    """Content of each file, by its path in the folder."""
    chosen = list(overlays)
    content = {path_of(item): dumped(item.manifest) for item in rendered.items}
    content["base/kustomization.yaml"] = dumped(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            # `kubectl apply -k` creates the objects in this order: each one after those that it needs.
            "sortOptions": {"order": "fifo"},
            "resources": [path_of(item).removeprefix("base/") for item in rendered.items],
        }
    )
    for overlay in chosen:
        content[f"overlays/{overlay}/kustomization.yaml"] = dumped(kustomization(rendered, overlay))
        content[f"applications/{overlay}.yaml"] = dumped(application(rendered, stack, overlay, repository))
    content["secrets.yaml"] = "# What has to exist before the objects, without values: README.md says how.\n" + dumped(
        {"objects": [_need(item) for item in rendered.beforehand], "yours": _yours(rendered)}
    )
    content["README.md"] = readme(rendered, stack, chosen)
    return content


def path_of(item: Item) -> str:
    """Path of an object's file: named like the Pulumi resource, so that it stays when the content changes."""
    return f"base/{item.component}/{item.resource}.yaml"


def kustomization(rendered: Rendered, overlay: Overlay) -> Json:
    """The kustomization of an overlay."""
    document: Json = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "sortOptions": {"order": "fifo"},
        "resources": ["../../base"],
    }
    if overlay == "dev":
        if many := [item for item in rendered.items if _is_replicated(item)]:
            document["replicas"] = [{"name": item.identity[2], "count": 1} for item in many]
        if removed := [item for item in rendered.items if item.kind in OF_MANY]:
            document["patches"] = [{"patch": _deletion(item)} for item in removed]
    return document


def _is_replicated(item: Item) -> bool:
    """True for a Deployment with several replicas, or without their number because an autoscaler sets it."""
    return item.kind == "Deployment" and item.manifest["spec"].get("replicas") != 1


def _deletion(item: Item) -> str:
    kind, namespace, name = item.identity
    metadata = {"name": name, "namespace": namespace}
    patch = {"$patch": "delete", "apiVersion": item.manifest["apiVersion"], "kind": kind, "metadata": metadata}
    return yaml.safe_dump(patch, sort_keys=False)


def application(rendered: Rendered, stack: str, overlay: Overlay, repository: Repository) -> Json:
    """The Argo CD Application of an overlay."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"mlflow-platform-{stack.rpartition('/')[2]}-{overlay}",
            "namespace": "argocd",
            # Defaults that the API server adds, for example to volume claims, are then no difference.
            "annotations": {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": repository.url,
                "targetRevision": repository.revision,
                "path": f"{repository.folder.rstrip('/')}/overlays/{overlay}",
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace_of(rendered)},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true", "PruneLast=true"],
                "retry": {"limit": 5, "backoff": {"duration": "30s", "factor": 2, "maxDuration": "5m"}},
            },
        },
    }


def namespace_of(rendered: Rendered) -> str:
    """Namespace of the platform, found by its default-deny NetworkPolicy."""
    return next(item.identity[1] for item in rendered.items if item.resource == "platform-closed")


def _need(item: Item) -> Json:
    """Kind, name and keys of an object that has to exist before the others."""
    kind, namespace, name = item.identity
    keys = sorted({*item.manifest.get("data", {}), *item.manifest.get("stringData", {})})
    need: Json = {"kind": kind, "namespace": namespace, "name": name, "keys": keys}
    if kind == "Secret":
        need["type"] = item.manifest.get("type", "Opaque")
    return need


def _yours(rendered: Rendered) -> list[Json]:
    return [{"kind": "Secret", "namespace": namespace, "name": name} for namespace, name in rendered.existing]


def readme(rendered: Rendered, stack: str, overlays: Iterable[Overlay]) -> str:
    """Text about the folder: its content, and what is left out."""
    return "\n".join(_paragraphs(rendered, stack, list(overlays)))


def _paragraphs(rendered: Rendered, stack: str, overlays: list[Overlay]) -> Iterator[str]:
    yield f"# The stack `{stack}` as kustomize files\n"
    yield "`make render` has written this folder; the next run overwrites it. docs/gitops.md explains it.\n"
    yield "| overlay | |\n|---|---|"
    yield from (f"| `overlays/{overlay}` | {SIZES[overlay]} |" for overlay in overlays)
    if rendered.missing:
        yield "\n## Values that are missing\n"
        yield "These values come from AWS resources, which are not in this folder. The files have `${NAME}` in their"
        yield f"place and do not work. Write a file with a line `NAME: value` for each, then `make render STACK={stack}"
        yield "VALUES=that-file`.\n"
        yield from (f"- `{name}`" for name in rendered.missing)
    yield "\n## What has to exist before\n"
    yield f"No secret is in this folder. `make render-secrets STACK={stack}` creates these objects:\n"
    yield "| object | namespace | keys |\n|---|---|---|"
    for need in map(_need, rendered.beforehand):
        yield f"| {need['kind']} `{need['name']}` | `{need['namespace']}` | {_code(need['keys'])} |"
    if rendered.existing:
        yield "\nThese Secrets are yours, or those of cert-manager:\n"
        yield from (f"- `{name}` in the namespace `{namespace}`" for namespace, name in rendered.existing)
    if rendered.left_out:
        yield "\n## What is left out\n"
        yield "These AWS resources are not Kubernetes objects. Create them otherwise, with the same meaning:\n"
        yield from (f"- `{resource}`" for resource in rendered.left_out)
    yield ""


def _code(names: Iterable[Any]) -> str:
    return ", ".join(f"`{name}`" for name in names)
