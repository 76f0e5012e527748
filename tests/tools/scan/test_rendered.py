"""Everything that the program can deploy is scanned, and the reasons of the exceptions are true."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import loader
from settings.loader import Source
from tools.render import recording
from tools.render.values import StandIns
from tools.scan import rendered
from tools.scan.rendered import MistakesError, Scanned

ROOT = Path(__file__).resolve().parents[3]
COMPONENT = re.compile(r'super\(\).__init__\("(mlflow-platform:index:\w+)"')
# They add no Kubernetes object that another component has not: keys at AWS, and credentials for an existing bucket.
WITHOUT_OBJECTS = {"mlflow-platform:index:UserIdentity", "mlflow-platform:index:ExternalBackupBucket"}


def sources() -> dict[str, Source]:
    return rendered.sources(["dev", "prod"]) | rendered.examples()


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> list[Scanned]:
    folder = tmp_path_factory.mktemp("scanned")
    return [rendered.write(stack, source, folder / stack) for stack, source in sources().items()]


@cache
def components_of(stack: str) -> frozenset[str]:
    source = sources()[stack]
    needed = rendered.validate(source, stack).needed_secrets
    draw = StandIns(draw="first", given={})
    secrets = {name: draw.secret(name) for name in needed}
    registered = recording.record(source, stack, secrets, draw, lambda _kind, name, _inputs: name)
    return frozenset(one.type for one in registered if not one.custom)


def test_every_component_is_in_a_stack_that_is_scanned() -> None:
    modules = (ROOT / "components").rglob("*.py")
    defined = {name for module in modules for name in COMPONENT.findall(module.read_text(encoding="utf-8"))}
    assert len(defined) > 30
    assert defined - {name for stack in sources() for name in components_of(stack)} == WITHOUT_OBJECTS


def test_an_object_is_a_file_and_its_target_names_the_resource(scanned: list[Scanned]) -> None:
    for one in scanned:
        assert {file.name for file in one.folder.iterdir()} == set(one.targets)
        assert len(set(one.targets.values())) == len(one.targets)
    (dev,) = [one for one in scanned if one.stack == "dev"]
    assert {"dev/Deployment/mlflow-server", "dev/Job/migration-job"} <= set(dev.targets.values())


def test_a_secret_is_scanned_with_a_stand_in_for_its_value(scanned: list[Scanned]) -> None:
    assert [target for one in scanned for target in one.targets.values() if "/Secret/" in target]


def pods(scanned: list[Scanned]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The spec of each pod, with its target."""
    for one in scanned:
        yield from ((one.targets[name], dict(pod["spec"])) for name, pod in one.pods.items())


def containers(scanned: list[Scanned]) -> Iterator[tuple[str, dict[str, Any]]]:
    for target, spec in pods(scanned):
        yield from ((target, one) for one in [*spec["containers"], *spec.get("initContainers", ())])


def test_what_a_container_writes_is_bounded_without_a_limit_of_ephemeral_storage(scanned: list[Scanned]) -> None:
    endless = [
        (target, volume["name"])
        for target, spec in pods(scanned)
        for volume in spec.get("volumes", ())
        if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit")
    ]
    assert endless == []
    writable = [
        target
        for target, one in containers(scanned)
        if one["securityContext"].get("readOnlyRootFilesystem") is not True
    ]
    assert writable == []


def test_a_pod_loses_its_requests_long_before_it_is_restarted(scanned: list[Scanned]) -> None:
    probed = [(target, one) for target, one in containers(scanned) if "livenessProbe" in one]
    assert probed
    for target, one in probed:
        ready, alive = (
            probe["periodSeconds"] * probe["failureThreshold"]
            for probe in (one["readinessProbe"], one["livenessProbe"])
        )
        assert alive >= 2 * ready, target


def test_secrets_of_containers_are_references(scanned: list[Scanned]) -> None:
    literal = [
        (target, variable["name"])
        for target, one in containers(scanned)
        for variable in one.get("env", ())
        if re.search(r"(PASSWORD|SECRET_ACCESS_KEY|TOKEN|ENCRYPTION_KEY)$", variable["name"]) and "value" in variable
    ]
    assert literal == []


def test_a_stack_with_mistakes_is_not_scanned_and_the_mistakes_name_its_file(tmp_path: Path) -> None:
    given = yaml.safe_load((rendered.EXAMPLES / "one-volume.yaml").read_text(encoding="utf-8"))
    given["config"]["mlflow-platform:profile"] = "huge"
    source = loader.from_file(yaml.safe_dump(given))
    with pytest.raises(MistakesError, match=r"one-volume\.yaml:\d+: profile: expected"):
        rendered.write("example-one-volume", source, tmp_path / "stack")
