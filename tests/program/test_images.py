"""Registries and image pull Secrets of all pods of a stack."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Recording
from tests.program.stacks import SECRETS, STACKS, recorded, run

MIRROR = "mirror.example.com/hub"
DIGEST = f"@sha256:{'0' * 64}"


def pods(recording: Recording) -> Iterator[dict[str, Any]]:
    for resource in recording:
        spec = resource.inputs.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
        if "spec" in template and resource.custom:
            yield template["spec"]


def images(recording: Recording) -> list[str]:
    return [
        container["image"]
        for pod in pods(recording)
        for container in (*pod.get("initContainers", ()), *pod["containers"])
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_every_image_is_pulled_from_the_mirror_where_there_is_one(stack: str) -> None:
    plain = images(recorded(stack))
    assert plain
    mirrored = images(run(stack, secrets=SECRETS[stack], images={"registry": MIRROR}))
    assert mirrored == [f"{MIRROR}/{image.partition('/')[2]}" for image in plain]


@pytest.mark.parametrize("stack", STACKS)
def test_every_pod_has_the_image_pull_secret(stack: str) -> None:
    specs = list(pods(run(stack, secrets=SECRETS[stack], images={"pullSecrets": ["pull"]})))
    assert specs
    assert all(pod["imagePullSecrets"] == [{"name": "pull"}] for pod in specs)


def test_an_image_by_digest_stays_what_it_is_behind_a_mirror() -> None:
    got = run("prod", secrets=SECRETS["prod"], images={"registry": MIRROR, "oauth2Proxy": f"quay.io/o/o{DIGEST}"})
    assert f"{MIRROR}/o/o{DIGEST}" in images(got)
