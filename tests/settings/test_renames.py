"""Old names of settings: with a model of these tests, and with the real settings."""

import tomllib
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import pulumi
import pytest
from pydantic import Field

from settings import Settings, outline, renames, validate
from settings.loader import Source, assemble, from_file
from settings.renames import Renamed
from settings.schema.base import Model
from settings.types import values
from settings.types.kinds import whole
from tests.settings.stack_files import ROOT, Load, committed, given

REMOVED_IN = "0.3"


class Disk(Model):
    """A kind of store with a renamed setting."""

    kind: Literal["disk"]
    size: Annotated[values.Size, Renamed("store.bytes", removed_in=REMOVED_IN)] = "1Gi"


class Cloud(Model):
    """A kind of store that still has a setting of the old name."""

    kind: Literal["cloud"]
    bytes: values.Size = "2Gi"


class Member(Model):
    """An entry of a mapping."""

    role: Annotated[values.Plain, Renamed("members.*.job", removed_in=REMOVED_IN)] = "reader"


class Engine(Model):
    """A section."""

    cylinders: Annotated[int, whole(1, 12), Renamed("motor.pots", removed_in=REMOVED_IN)] = 4


class Car(Model):
    """Settings with a renamed key of each sort."""

    store: Annotated[Disk | Cloud, Field(discriminator="kind")] = Disk(kind="disk")
    members: dict[values.Plain, Member] = Field(default_factory=dict[str, Member])
    engine: Engine = Field(default_factory=Engine)
    plate: Annotated[values.Plain | None, Renamed("number", removed_in=REMOVED_IN)] = None


@pytest.mark.parametrize(
    ("written", "read", "new"),
    [
        ({"number": "M 1"}, {"plate": "M 1"}, ["plate"]),
        ({"motor": {"pots": 6}}, {"engine": {"cylinders": 6}}, ["engine.cylinders"]),
        ({"motor": {"pots": 6, "x": 1}}, {"motor": {"x": 1}, "engine": {"cylinders": 6}}, ["engine.cylinders"]),
        (
            {"members": {"a": {"job": "x"}, "b.c": {"job": "y"}, "d": {"role": "z"}}},
            {"members": {"a": {"role": "x"}, "b.c": {"role": "y"}, "d": {"role": "z"}}},
            ["members.a.role", "members.b.c.role"],
        ),
        ({"store": {"kind": "disk", "bytes": "3Gi"}}, {"store": {"kind": "disk", "size": "3Gi"}}, ["store.size"]),
        ({"store": {"kind": "cloud", "bytes": "3Gi"}}, {"store": {"kind": "cloud", "bytes": "3Gi"}}, []),
        ({"motor": "x", "members": [], "store": None}, {"motor": "x", "members": [], "store": None}, []),
    ],
)
def test_a_value_by_an_old_name_has_the_new_one_when_it_is_read(
    written: Mapping[str, object], read: Mapping[str, object], new: list[str]
) -> None:
    document, found = renames.applied(written, Car)
    assert document == read
    assert [".".join(rename.new) for rename in found] == new
    assert list(renames.faults(found)) == []


def test_an_old_name_is_a_warning_with_the_new_one_and_the_release_that_removes_it() -> None:
    _, found = renames.applied({"motor": {"pots": 6}}, Car)
    (warning,) = renames.warnings(found)
    assert (
        str(warning)
        == "motor.pots: is the old name of `engine.cylinders`; release 0.3 removes it; write `engine.cylinders`"
    )


def test_both_names_at_once_are_a_mistake_and_no_warning() -> None:
    document, found = renames.applied({"number": "old", "plate": "new"}, Car)
    assert document == {"plate": "new"}
    assert [fault.path for fault in renames.faults(found)] == ["number"]
    assert list(renames.warnings(found)) == []


def test_the_document_that_was_read_stays_as_it_is() -> None:
    written = {"motor": {"pots": 6}}
    renames.applied(written, Car)
    assert written == {"motor": {"pots": 6}}


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Source]:
    """The configuration of `dev` with further keys, where `cluster.context` was called `kubernetes.context`."""
    marker = Renamed("kubernetes.context", removed_in=REMOVED_IN)
    monkeypatch.setattr(
        outline.fields(outline.models(outline.fields(Settings)["cluster"].annotation)[0])["context"],
        "metadata",
        [marker],
    )

    def read(changes: Mapping[str, object], *, encrypted: tuple[str, ...] = ()) -> Source:
        return assemble(given({**committed("dev"), **changes}), encrypted)

    return read


def test_a_stack_file_with_an_old_name_loads_with_a_warning(renamed: Callable[..., Source]) -> None:
    validation = validate(renamed({"kubernetes": {"context": "a"}}), "dev")
    assert validation.mistakes == []
    assert validation.settings is not None
    assert validation.settings.cluster.context == "a"
    assert [warning.path for warning in validation.warnings] == ["kubernetes.context"]


@pytest.mark.usefixtures("renamed")
def test_a_wrong_value_by_an_old_name_has_its_line() -> None:
    text = "config:\n  cluster: {}\n  kubernetes:\n    context: {a: 1}\n    contextual: 1"
    lines = from_file(text).lines
    assert lines == {
        "cluster": 2,
        "kubernetes": 3,
        "kubernetes.context": 4,
        "kubernetes.context.a": 4,
        "kubernetes.contextual": 5,
        "cluster.context": 4,
        "cluster.context.a": 4,
    }


@pytest.mark.usefixtures("renamed")
def test_a_preview_names_the_old_key_beside_another_mistake(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pulumi.RunError, match="1 mistake"):
        load({**committed("dev"), "kubernetes": {"context": []}})
    assert "kubernetes.context: is the old name of `cluster.context`" in capsys.readouterr().err


def test_a_stack_file_with_both_names_is_refused(renamed: Callable[..., Source]) -> None:
    validation = validate(renamed({"kubernetes": {"context": "a"}, "cluster": {"context": "b"}}), "dev")
    assert [fault.path for fault in validation.mistakes] == ["kubernetes.context"]


def test_an_encrypted_value_is_not_shown_under_its_new_name(renamed: Callable[..., Source]) -> None:
    source = renamed({"kubernetes": {"context": "a"}}, encrypted=("mlflow-platform:kubernetes",))
    assert "cluster" in source.encrypted


def test_no_old_name_outlives_the_release_that_removes_it() -> None:
    release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    kept = [
        (key.path, item.old)
        for key in outline.keys(Settings)
        for item in key.field.metadata
        if isinstance(item, Renamed) and _numbers(item.removed_in) <= _numbers(release)
    ]
    assert kept == []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
