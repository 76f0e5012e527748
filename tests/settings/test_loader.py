"""A stack file read without an engine is what `pulumi config --json` of the real one shows (3.259.0)."""

import json
import re

import pytest

from settings import PROJECT, loader
from settings.faults import Fault, line_of, located
from settings.loader import UNKNOWN, UnreadableError
from tests.settings.stack_files import ROOT, committed

SCALARS = {
    "plain words": "plain words",
    "yes": "yes",
    "off": "off",
    "TRUE": True,
    "false": False,
    "5": 5,
    "-5": -5,
    "+5": 5,
    "010": 8,
    "0o10": 8,
    "0o8": "0o8",
    "08": 8,
    "0x10": 16,
    "0b11": 3,
    "1_000": 1000,
    "1e3": 1000,
    "1.0": 1,
    "2.5": 2.5,
    ".5": 0.5,
    "1.": 1,
    "12:30": "12:30",
    "2026-11-01": "2026-11-01 00:00:00 +0000 UTC",
    "2026-1-1": "2026-01-01 00:00:00 +0000 UTC",
    '"2026-11-01"': "2026-11-01",
    '"5"': "5",
    "!!str 5": "5",
    "~": None,
    "Null": None,
    "": None,
    "=": "=",
    "0x_": "0x_",
    "0b_": "0b_",
    "0o_": "0o_",
    "0x_1": 1,
    "1e999": "1e999",
    **{sign + "9" * 5000: sign + "9" * 5000 for sign in ("", "+", "-")},
    f"0x{'f' * 5000}": f"0x{'f' * 5000}",
    "{}": {},
    "[a, 1]": ["a", 1],
    "{1: x, true: y}": {"1": "x", "true": "y"},
}


def config(*lines: str) -> str:
    return "\n".join(["config:", *(f"  {line}" for line in lines)])


@pytest.mark.parametrize(("written", "meant"), SCALARS.items(), ids=[text[:20] for text in SCALARS])
def test_a_value_in_a_section_is_what_the_engine_takes_it_for(written: str, meant: object) -> None:
    (found,) = loader.from_file(config(f"{PROJECT}:cluster:", f"  value: {written}")).document.values()
    assert json.dumps(found) == json.dumps({"value": meant})


def test_a_scalar_at_the_top_is_a_text_as_the_engine_hands_it_over_unless_it_is_a_flag() -> None:
    given = loader.from_file(config(f"{PROJECT}:host: true", f"{PROJECT}:namespace: 0x10", f"{PROJECT}:profile:"))
    assert given.document == {"host": True, "namespace": "16"}


def test_the_projects_namespace_may_be_left_out_and_others_are_kept_apart() -> None:
    given = loader.from_file(config("host: a", f"{PROJECT}:config:profile: b", "aws:region: c"))
    assert given.document == {"host": "a", "profile": "b"}
    assert given.elsewhere == ("aws:region",)


def test_anchors_and_merges_are_resolved() -> None:
    text = config(f"{PROJECT}:teams:", "  a: &a {description: x}", "  b: {<<: *a, groups: {}}", "  c: *a")
    a = {"description": "x"}
    assert loader.from_file(text).document == {"teams": {"a": a, "b": {**a, "groups": {}}, "c": a}}


def test_what_is_encrypted_is_known_to_be_so_and_unknown() -> None:
    given = loader.from_file(
        config(
            f"{PROJECT}:databasePassword: {{secure: v1:abc}}",
            f"{PROJECT}:loginClientSecret: typed",
            f"{PROJECT}:server: {{image: [{{secure: v1:abc}}]}}",
            f"{PROJECT}:cluster: {{secure: a, context: b}}",
        )
    )
    assert given.secrets == {"databasePassword": "encrypted", "loginClientSecret": "plain"}
    assert given.document == {"server": {"image": [UNKNOWN]}, "cluster": {"secure": "a", "context": "b"}}
    assert given.encrypted == {"server"}


@pytest.mark.parametrize("text", ["", "---", "null", "config:", "encryptionsalt: v1:abc\n"])
def test_a_file_may_be_without_configuration(text: str) -> None:
    assert loader.from_file(text).document == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "expected the file to be a YAML mapping"),
        ("config: []", "expected `config` to be a YAML mapping"),
        ("config: {a: 1", "line 1: expected ',' or '}', but got '<stream end>'"),
        ("config:\n  a: 1\n  a: 2", "line 3: the key `a` is already in line 2"),
        ("config:\n  a:\n    b: 1\n    b: 2", "line 4: the key `b` is already in line 3"),
        ("a: \x00", "the file contains characters that YAML does not allow"),
        (
            "config:\n  host: a\n  mlflow-platform:host: b",
            "line 3: the key `mlflow-platform:host` is already in line 2",
        ),
        (
            "config:\n  config:host: a\n  host: b\n  mlflow-platform:config:host: c",
            "line 4: the key `mlflow-platform:h",
        ),
        ("config:\n  a: {b: !!int x}", "line 2: the tag `!!int` does not match its value"),
        ("config:\n  a: !!map [1]", "line 2: the tag `!!map` does not match its value"),
        ('config:\n  a:\n    - "\\ud800"', "line 3: a key or value contains a lone surrogate"),
        ('config:\n  "\\ud800": a', "line 2: a key or value contains a lone surrogate"),
        (f"config:\n  a:\n    {'[' * 600}{']' * 600}", "line 3: the value is nested more than 50 levels deep"),
        ("config:\n  [a]: b", "line 2: expected a string as key"),
        ("a: !odd b", "line 1: could not determine a constructor for the tag '!odd'"),
    ],
)
def test_what_is_no_stack_file_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        loader.from_file(text)
    assert str(refused.value).startswith(problem)


TAGS = (
    "null",
    "bool",
    "int",
    "float",
    "binary",
    "timestamp",
    "omap",
    "pairs",
    "set",
    "str",
    "seq",
    "map",
    "merge",
    "x",
)
CONTENTS = ("", "abc", "0x_", "1", "-", "true", "2026-13-77", "9" * 5000, "[1]", "[]", "{a: b}", "{a}", '"\\ud800"')


def refusal(text: str) -> str:
    """The reason why a file cannot be read; empty if it can."""
    try:
        loader.from_file(text)
    except UnreadableError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("tag", TAGS)
def test_whatever_has_a_tag_is_read_or_refused_with_its_line(tag: str) -> None:
    for content in CONTENTS:
        for place in ("a: {}", "a: {{b: {}}}", "a: [{}]", "{}: a", "<<: {}"):
            text = config("first: line", place.format(f"!!{tag} {content}"))
            assert re.match(r"line 3: .|$", refusal(text)), text


def test_anchors_that_nest_each_other_are_refused() -> None:
    nested = "[" * 40, "]" * 40
    lines = [f"a{step}: &a{step} {nested[0]}*a{step - 1}{nested[1]}" for step in range(1, 60)]
    with pytest.raises(UnreadableError, match="anchor"):
        loader.from_file(config("a0: &a0 x", *lines))


def test_each_key_and_entry_has_its_line_also_in_a_flow_and_behind_an_anchor() -> None:
    text = config(
        "host: a",
        f"{PROJECT}:config:login:",
        "  users:",
        "    a@example.com: &all {groups: [b,",
        "      c]}",
        "    d: {<<: *all, extra: 1}",
        "aws:region: e",
    )
    given = loader.from_file(text)
    assert given.lines == {
        "host": 2,
        "login": 3,
        "login.users": 4,
        'login.users["a@example.com"]': 5,
        'login.users["a@example.com"].groups': 5,
        'login.users["a@example.com"].groups[0]': 5,
        'login.users["a@example.com"].groups[1]': 6,
        "login.users.d": 7,
        "login.users.d.groups": 5,
        "login.users.d.groups[0]": 5,
        "login.users.d.groups[1]": 6,
        "login.users.d.extra": 7,
        "aws:region": 8,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("server.workers", 3),
        ("server.bounds.idleSeconds", 2),
        ('login.users["a.b@example.com"].groups[0]', 5),
        ('login.users["c.d@example.com"].groups', 4),
        ("login.kind", 1),
        ("host", None),
    ],
)
def test_a_mistake_is_at_its_key_or_at_the_nearest_section_around_it(path: str, line: int | None) -> None:
    lines = {"login": 1, "server": 2, "server.workers": 3, "login.users": 4, 'login.users["a.b@example.com"].groups': 5}
    fault = Fault(path, "problem", "remedy")
    assert line_of(fault, lines) == line
    start = "" if line is None else f"Pulumi.dev.yaml:{line}: "
    assert located(fault, "Pulumi.dev.yaml", lines) == f"{start}{path}: problem; remedy"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_committed_files_read_as_they_do_elsewhere(stack: str) -> None:
    given = loader.from_file((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    assert given == loader.Source(document=committed(stack), encrypted=frozenset(), elsewhere=(), secrets={})
