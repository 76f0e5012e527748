from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from settings import external_page
from settings.loader import Source, from_file
from tests.program.stacks import STACKS
from tests.tools.render.parts import rendered
from tools.render import __main__ as command
from tools.render.files import OVERLAYS, Overlay, Repository, files, path_of

REPOSITORY = Repository(url="https://git.example.com/platform.git", revision="v1", folder="clusters/east")
SCHEMA = yaml.safe_load(Path(__file__).with_name("argocd-application.yaml").read_text(encoding="utf-8"))
TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}


def written(stack: str) -> dict[str, str]:
    return files(rendered(stack), stack, OVERLAYS, REPOSITORY)


def document(stack: str, path: str) -> dict[str, Any]:
    return yaml.safe_load(written(stack)[path])


def faults(value: object, schema: dict[str, Any], path: str) -> list[str]:
    """Places at which a value does not match a schema; an unknown field is a fault."""
    if not isinstance(value, TYPES[schema["type"]]):
        return [f"{path}: expected {schema['type']}"]
    if isinstance(value, list):
        return [fault for item in cast("list[object]", value) for fault in faults(item, schema["items"], f"{path}[]")]
    if not isinstance(value, dict):
        return []
    fields = cast("dict[str, object]", value)
    found = [f"{path}.{key}: is missing" for key in schema.get("required", ()) if key not in fields]
    for key, inner in fields.items():
        if key in schema["properties"]:
            found += faults(inner, schema["properties"][key], f"{path}.{key}")
        else:
            found.append(f"{path}.{key}: is unknown")
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_the_base_lists_each_file_once_in_the_order_in_which_objects_need_each_other(stack: str) -> None:
    base = document(stack, "base/kustomization.yaml")
    assert [f"base/{name}" for name in base["resources"]] == [path_of(item) for item in rendered(stack).items]
    assert len(set(base["resources"])) == len(base["resources"])
    assert set(written(stack)) >= {f"base/{name}" for name in base["resources"]}
    assert base["sortOptions"] == {"order": "fifo"}


def test_a_file_has_the_object_as_it_is_applied() -> None:
    for item in rendered("dev").items:
        assert document("dev", path_of(item)) == item.manifest


def test_the_overlay_full_is_the_base() -> None:
    for stack in STACKS:
        assert document(stack, "overlays/full/kustomization.yaml").keys() == {
            "apiVersion",
            "kind",
            "sortOptions",
            "resources",
        }


def test_the_overlay_dev_has_one_replica_and_nothing_that_needs_several() -> None:
    overlay = document("prod", "overlays/dev/kustomization.yaml")
    assert overlay["replicas"] == [{"name": "mlflow", "count": 1}]
    patches = [yaml.safe_load(one["patch"]) for one in overlay["patches"]]
    assert {patch["kind"] for patch in patches} == {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert {patch["$patch"] for patch in patches} == {"delete"}
    assert document("dev", "overlays/dev/kustomization.yaml") == document("dev", "overlays/full/kustomization.yaml")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_application_fits_the_schema_of_argo_cd_and_leads_to_the_overlay(overlay: Overlay) -> None:
    application = document("prod", f"applications/{overlay}.yaml")
    assert (application["apiVersion"], application["kind"]) == (
        f"{SCHEMA['group']}/{SCHEMA['version']}",
        SCHEMA["kind"],
    )
    spec = application["spec"]
    assert faults(spec, SCHEMA["schema"]["properties"]["spec"], "spec") == []
    assert spec["source"] == {
        "repoURL": REPOSITORY.url,
        "targetRevision": "v1",
        "path": f"clusters/east/overlays/{overlay}",
    }
    assert spec["destination"]["namespace"] == "mlflow"


def test_the_check_of_the_schema_finds_unknown_and_missing_fields() -> None:
    spec = {"project": 1, "source": {"url": "x"}, "destination": {}}
    assert faults(spec, SCHEMA["schema"]["properties"]["spec"], "spec") == [
        "spec.project: expected string",
        "spec.source.repoURL: is missing",
        "spec.source.url: is unknown",
    ]


def test_what_has_to_exist_before_is_listed_with_its_keys_and_without_values() -> None:
    needed = document("prod", "secrets.yaml")
    login = {
        "kind": "Secret",
        "namespace": "mlflow",
        "name": "login-secret",
        "keys": ["client-secret", "cookie-secret"],
        "type": "Opaque",
    }
    assert login in needed["objects"]
    assert needed["yours"] == [{"kind": "Secret", "namespace": "mlflow", "name": "mlflow-tls"}]
    page = written("prod")["README.md"]
    for expected in (
        "`login-secret`",
        "`mlflow-tls`",
        "`rds-instance.address`",
        "`aws:s3/bucket:Bucket bucket-bucket`",
    ):
        assert expected in page


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with a prepared rendering, which saves time."""
    monkeypatch.setattr(command, "render", lambda _source, stack, *_: rendered(stack))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - of any stack


@pytest.mark.usefixtures("quick")
def test_the_next_run_removes_files_of_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert command.main(["prod", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "54 objects; 4 more have to exist before" in said.out
    assert "values of AWS resources are missing: bucket-bucket.bucket" in said.err
    assert (out / "overlays" / "dev").exists()
    assert command.main(["dev", "--out", str(out), "--overlay", "full", "--repository", REPOSITORY.url]) == 0
    assert not (out / "overlays" / "dev").exists()
    assert not (out / "base" / "database-role").exists()
    assert "git.example.com/your" not in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "base" / "kustomization.yaml"
    file.parent.mkdir()
    file.write_text("resources: [mine.yaml]\n")
    assert command.main(["dev", "--out", str(tmp_path)]) == 1
    assert "set OUT= to another folder" in capsys.readouterr().err
    assert file.read_text() == "resources: [mine.yaml]\n"
    assert list(tmp_path.iterdir()) == [file.parent]


def test_a_stack_that_does_not_exist_and_values_that_cannot_be_read_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["nope"]) == 2
    assert "there is no Pulumi.nope.yaml" in capsys.readouterr().err
    for text, problem in (("- a", "expected lines like"), ("a: 1", "each value a string"), ("a: [", "cannot be read")):
        file = tmp_path / "values.yaml"
        file.write_text(text)
        assert command.main(["prod", "--values", str(file), "--out", str(tmp_path / "out")]) == 1
        assert problem in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_stack_without_a_server_is_refused_with_the_command_that_deploys_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def example(_: str) -> Source:
        return from_file(external_page.EXAMPLE)

    monkeypatch.setattr(command, "read", example)
    assert command.main(["shared"]) == 1
    assert "deploy this one with `make up`" in capsys.readouterr().err
