"""The policy pack on another project's program."""

import ast
import json
import runpy
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from pulumi.runtime.proto import analyzer_pb2

from tests.harness import deploy
from tests.policy import foreign
from tests.policy.judge import Asked, Configuration, as_asked, judge
from tests.policy.server import Pack, running
from tests.program.stacks import ROOT
from tools import policy_config

EXPECTED = {
    "shop": {"namespaces-are-bounded", "namespaces-are-closed", "namespaces-are-restricted", "data-is-protected"},
    "shop-web": {
        "api-tokens-are-mounted-on-purpose",
        "containers-are-probed",
        "containers-are-sized",
        "databases-are-verified",
        "images-name-a-version",
        "pods-are-restricted",
        "replicas-are-spread",
        "replicas-survive-a-drain",
        "root-file-systems-are-read-only",
        "secrets-stay-in-secrets",
    },
    "shop-service": {"services-are-internal"},
    "shop-gateway": {"gateways-are-encrypted"},
    "shop-role": {"roles-are-narrow"},
    "pictures-bucket": {
        "buckets-are-guarded",
        "buckets-keep-old-versions",
        "databases-are-durable",
        "providers-are-explicit",
    },
}


@pytest.fixture(scope="module")
def resources() -> list[Asked]:
    return as_asked(deploy(foreign.program, stack="shop"), "shop")


@pytest.fixture(scope="module")
def pack() -> Generator[Pack]:
    with running() as started:
        yield started


def imported(file: Path) -> set[str]:
    """Names of the packages that a file imports, without those beside it."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def test_the_program_uses_nothing_of_this_project() -> None:
    assert imported(ROOT / "tests" / "policy" / "foreign.py") == {"pulumi", "pulumi_aws", "pulumi_kubernetes"}


def test_the_pack_needs_nothing_but_the_policy_sdk() -> None:
    needed = set[str]().union(*map(imported, (ROOT / "policy").rglob("*.py")))
    # `rules` is its own, as Pulumi starts it.
    assert needed - sys.stdlib_module_names == {"pulumi_policy", "rules"}


def test_every_fault_of_the_program_is_found_and_nothing_else(resources: list[Asked]) -> None:
    found: dict[str, set[str]] = {}
    for sentence in judge(resources):
        rule, name, _ = sentence.split(": ", 2)
        found.setdefault(name, set()).add(rule)
    assert found == EXPECTED


def test_the_running_pack_says_the_same(pack: Pack, resources: list[Asked]) -> None:
    pack.configure({})
    found = [*pack.judge_stack(resources), *(one for asked in resources for one in pack.judge(asked))]
    assert {name for name, _ in found} == set().union(*EXPECTED.values())
    assert {level for _, level in found} == {analyzer_pb2.MANDATORY}


def test_its_owner_may_ask_for_less_and_for_more(pack: Pack, resources: list[Asked]) -> None:
    configuration: Configuration = {
        "services-are-internal": "advisory",
        "images-are-pinned": "mandatory",
        "data-is-protected": {"disposableStacks": ["shop"]},
        "gateways-are-encrypted": {
            "exceptions": [{"resource": "shop-*", "reason": "behind a proxy with TLS", "until": "2999-12-31"}]
        },
    }
    pack.configure(configuration)
    found = {one for asked in resources for one in pack.judge(asked)}
    assert ("services-are-internal", analyzer_pb2.ADVISORY) in found
    assert ("images-are-pinned", analyzer_pb2.MANDATORY) in found
    assert not {"data-is-protected", "gateways-are-encrypted"} & {name for name, _ in found}


SHOP = ROOT / "tests" / "examples" / "shop"
FILE = SHOP / "policy-config" / "preview.json"


@pytest.fixture(scope="module")
def shop() -> list[Asked]:
    program = SHOP / "__main__.py"
    return as_asked(deploy(lambda: {} if runpy.run_path(str(program)) else None, stack="preview"), "preview")


def test_a_program_with_a_committed_file_breaks_no_rule(pack: Pack, shop: list[Asked]) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert policy_config.mistakes(text) == []
    pack.configure(json.loads(text))
    assert [*pack.judge_stack(shop), *(one for asked in shop for one in pack.judge(asked))] == []


def test_without_its_file_the_same_program_breaks_the_rules_that_the_file_is_about(
    pack: Pack, shop: list[Asked]
) -> None:
    pack.configure({})
    found = {name for asked in shop for name, _ in pack.judge(asked)}
    assert found == json.loads(FILE.read_text(encoding="utf-8")).keys()
    assert pack.judge_stack(shop) == []
