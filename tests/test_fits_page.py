"""docs/fits.md names tests that exist, keys and values that a stack file may have, and every example."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from settings import Settings, outline
from tests.settings.stack_files import committed, validated

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "fits.md").read_text(encoding="utf-8")
STATES = ("tested here", "by documentation", "known not to fit")
ROW = re.compile(r"^\| ([^|]+) \| (" + "|".join(STATES) + r") \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# Product, state, what shows it, and lines of the stack file.
ROWS = ROW.findall(PAGE)
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:tests|testbed|examples)/[\w./-]+|Pulumi\.[\w-]+\.yaml")
LINK = re.compile(r"\]\(([^)]+)\)")
KEYS: tuple[outline.Key, ...] = outline.keys(Settings)
# As any value: what it is given is known at run time only.
ANNOTATED: Any = Annotated
SECTIONS = {key.path for key in KEYS if "." not in key.path}
# What must be answered for each kind of product, by words of its rows.
ASKED = {
    "Identity providers": "Keycloak Entra Okta Auth0 Cognito Google GitHub Dex",
    "Kubernetes": "EKS Auto GKE Autopilot AKS OpenShift k3s RKE2 kind k3d Docker",
    "Ingress controllers": "Traefik ingress-nginx AWS GKE AKS OpenShift Envoy Istio",
    "Network plugins": "Calico Cilium VPC Azure OVN-Kubernetes flannel kube-router",
    "PostgreSQL": "RDS Aurora Cloud Azure CloudNativePG Patroni PgBouncer",
    "S3 stores": "AWS MinIO SeaweedFS Ceph Google Azure OCI Backblaze Dell",
}


def lines(text: str) -> list[tuple[str, str]]:
    """Keys of the stack file that a text names as code, each with its value in YAML; empty without one."""
    parts = [code.partition(": ") for code in CODE.findall(text)]
    return [(key, value) for key, _, value in parts if key.partition(".")[0] in SECTIONS and not key.endswith(".yaml")]


def accepts(path: str, value: object) -> bool:
    """True if the stack file may have this value at the key, with some kind of its section."""
    for key in KEYS:
        if key.path == path:
            try:
                # With a path, because Annotated needs metadata, and not every field has some.
                declared = ANNOTATED[(key.field.annotation, *key.field.metadata, path)]
                TypeAdapter[Any](declared).validate_json(json.dumps(value), strict=True)
            except ValidationError:
                continue
            return True
    return False


def test_every_row_of_a_table_of_products_has_one_of_the_states() -> None:
    head = re.escape("| product | state | shown by | lines |\n|---|---|---|---|\n")
    tables = re.findall(rf"^{head}((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert len(tables) == len(ASKED)
    assert [row for table in tables for row in table.splitlines() if not ROW.fullmatch(row)] == []


@pytest.mark.parametrize("section", ASKED)
def test_every_product_that_is_asked_for_has_a_row(section: str) -> None:
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    products = " ".join(product for product, *_ in ROW.findall(text))
    assert [word for word in ASKED[section].split() if word not in products] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_shown_by_a_test_or_by_documentation_as_it_says(row: tuple[str, str, str, str]) -> None:
    product, state, shown, _ = row
    tests = [path for path in CODE.findall(shown) if PATH.fullmatch(path)]
    if state == "tested here":
        assert any(path.startswith("testbed/e2e/") for path in tests), product
    else:
        assert tests or LINK.findall(shown), product


def test_every_path_that_the_page_names_exists() -> None:
    named = [path for path in CODE.findall(PAGE) if PATH.fullmatch(path)]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_rehearsal_that_the_page_names_is_one() -> None:
    named = set(re.findall(r"testbed/e2e/rehearsals/(\w+)/", PAGE))
    assert named
    # As text, because nothing but the testbed may import it.
    catalogue = (ROOT / "testbed" / "evidence" / "catalogue.py").read_text(encoding="utf-8")
    assert named <= set(re.findall(r'^ +name="(\w+)",$', catalogue, re.MULTILINE))


def test_every_example_is_in_the_page() -> None:
    there = {f"examples/stacks/{path.name}" for path in (ROOT / "examples" / "stacks").iterdir()}
    assert {path for path in CODE.findall(PAGE) if path.startswith("examples/")} == there


def test_every_key_of_the_stack_file_that_the_page_names_exists() -> None:
    known = {key.path for key in KEYS}
    assert len(lines(PAGE)) > len(ROWS)
    assert [key for key, _ in lines(PAGE) if key not in known] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_stack_file_may_have_every_value_of_a_row(row: tuple[str, str, str, str]) -> None:
    # Words in capitals stand for what the reader has.
    values = [(key, yaml.safe_load(re.sub(r"[A-Z]{3,}", "name", value))) for key, value in lines(row[3]) if value]
    assert [(key, value) for key, value in values if not accepts(key, value)] == []


def test_a_key_or_value_that_no_stack_file_may_have_is_noticed() -> None:
    assert lines("`artifacts.checksum: true` and `make up`") == [("artifacts.checksum", "true")]
    assert not accepts("artifacts.checksum", value=True)
    assert not accepts("login.provider", "github")
    assert accepts("login.provider", "dex")


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_block_of_the_page_fits_into_a_stack_file(block: str) -> None:
    said: dict[str, Any] = {
        key.removeprefix("mlflow-platform:"): value for key, value in yaml.safe_load(block)["config"].items()
    }
    base = committed("prod")
    sections = {key: {**base.get(key, {}), **value} for key, value in said.items()}
    assert validated({**base, **sections}).mistakes == []
