"""The one list of versions, and the files that must agree with it."""

import itertools
import re
from importlib import metadata
from pathlib import Path

import pytest

from testbed import versions
from testbed.build import go
from testbed.build.commands import BuildError
from testbed.paths import CHECKOUT

_PROGRAMS = [
    go.KUBERNETES,
    go.COREDNS,
    go.PAUSE,
    go.PULUMI,
    go.PULUMI_KUBERNETES,
    go.PULUMI_LANGUAGE_PYTHON,
    go.DEX,
    go.OAUTH2_PROXY,
    go.METRICS_SERVER,
    go.GATEWAY_API,
]
# Nearly all that the provider and CoreDNS are made of is in one of the other two.
_SHARING = [go.KUBERNETES, go.PULUMI, go.COREDNS]
_DOCKERFILES = sorted(
    file for where in ("images", "testbed", "testbed/build/images") for file in CHECKOUT.glob(f"{where}/*/Dockerfile")
)


@pytest.mark.parametrize("program", _PROGRAMS, ids=lambda program: program.name)
def test_go_mod_requires_the_version_that_the_binary_will_report(program: go.Program) -> None:
    program.check()


def test_a_version_that_go_mod_does_not_require_is_refused() -> None:
    program = go.Program(name="coredns", version="0.0.1", module="github.com/coredns/coredns", usual_seconds=1)

    with pytest.raises(BuildError, match=r"must require github.com/coredns/coredns v0\.0\.1"):
        program.check()


@pytest.mark.parametrize("program", _PROGRAMS, ids=lambda program: program.name)
def test_no_program_asks_for_a_newer_go_than_the_build_looks_for(program: go.Program) -> None:
    asked = re.search(r"^go (\d+)\.(\d+)", (program.directory / "go.mod").read_text(), re.MULTILINE)

    assert asked is not None
    assert (int(asked[1]), int(asked[2])) <= versions.MINIMUM_GO


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(_SHARING, 2)), ids=lambda program: program.name)
def test_what_two_programs_are_made_of_is_compiled_once(one: go.Program, other: go.Program) -> None:
    """The compiler shares a package only if it and everything below it are of the same versions."""
    ours, theirs = _required(one), _required(other)
    shared = ours.keys() & theirs.keys()

    assert {module: (ours[module], theirs[module]) for module in shared if ours[module] != theirs[module]} == {}


def _required(program: go.Program) -> dict[str, str]:
    found = re.findall(r"^(?:require |\t)(\S+) (v\S+)", (program.directory / "go.mod").read_text(), re.MULTILINE)
    assert len(found) > 20
    return dict(found)


@pytest.mark.parametrize("program", _PROGRAMS, ids=lambda program: program.name)
def test_go_sum_vouches_for_what_a_program_borrows(program: go.Program) -> None:
    known = (program.directory / "go.sum").read_text() if program.borrowed else ""

    assert [it.module for it in program.borrowed if f"\n{it.module.replace('@', ' ')} h1:" not in known] == []


def test_the_kubernetes_provider_is_of_the_version_that_the_sdk_asks_for() -> None:
    assert metadata.version("pulumi-kubernetes") == versions.PULUMI_KUBERNETES
    assert f'"pulumi-kubernetes=={versions.PULUMI_KUBERNETES}"' in (CHECKOUT / "pyproject.toml").read_text()


@pytest.mark.parametrize("wheel", [versions.GO, versions.KUBECTL, versions.TRAEFIK, versions.SEAWEEDFS])
def test_every_wheel_is_pinned_by_hash(wheel: versions.Wheel) -> None:
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in wheel.sha256)
    assert wheel.requirement.startswith(f"{wheel.name}=={wheel.version} --hash=sha256:")


@pytest.mark.parametrize("dockerfile", _DOCKERFILES, ids=lambda path: path.parent.name)
def test_images_start_from_nothing_or_from_the_one_debian(dockerfile: Path) -> None:
    bases = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))

    assert bases <= {"scratch", versions.DEBIAN_IMAGE}


def test_the_mlflow_image_has_the_version_of_its_name() -> None:
    requirements = CHECKOUT / "images" / "mlflow" / "requirements.txt"

    assert re.search(rf"^mlflow=={re.escape(versions.MLFLOW)} ", requirements.read_text(), re.MULTILINE)


def test_the_postgres_image_has_the_version_of_its_name() -> None:
    dockerfile = (CHECKOUT / "testbed" / "build" / "images" / "postgres" / "Dockerfile").read_text()

    assert f" postgresql-{versions.POSTGRES} " in dockerfile
    assert f"/usr/lib/postgresql/{versions.POSTGRES}/bin" in dockerfile


def test_metrics_server_is_deployed_as_it_is_built() -> None:
    manifest = CHECKOUT / "testbed" / "e2e" / "metrics-server.yaml"

    assert re.findall(r"image: (\S+)", manifest.read_text()) == [versions.METRICS_SERVER_IMAGE]
