import functools
from collections.abc import Iterator
from copy import deepcopy
from typing import cast

import pulumi
import pytest

from settings.secrets import NEEDS
from settings.stack_yaml import HALF_CHARACTER
from tests.settings.cases import EXTERNAL, S3
from tests.settings.stack_files import Complaints, Document, Load, changed, committed, validated

CANARY = "hunter2"
WRONG: tuple[object, ...] = (
    ...,
    None,
    True,
    -1,
    1.5,
    "",
    " ",
    "::",
    f"postgresql://mlflow:{CANARY}@db.example.com/mlflow?sslmode=require",
    f"alice@example.com:{CANARY}",
    f"host=db.example.com password={CANARY}",
    f"secretAccessKey: {CANARY}",
    [],
    [f"u:{CANARY}@example.com"],
    [[CANARY]],
    [{"password": CANARY}],
    {},
    {"password": CANARY},
    {"kind": None, "token": CANARY},
    {f"alice@example.com:{CANARY}": None},
    "\ud800",
    {"\ud800": ["\ud800"]},
    "9" * 5000,
    functools.reduce(lambda inner, _: [inner], range(250), list[object]()),
    functools.reduce(lambda inner, _: {"a": inner}, range(250), dict[str, object]()),
)


def paths(value: object, above: str = "") -> Iterator[str]:
    """Paths to everything in a document, with slashes."""
    if isinstance(value, dict):
        for key, inner in cast("Document", value).items():
            yield f"{above}{key}"
            yield from paths(inner, f"{above}{key}/")


def test_three_mistakes_give_three_messages(load: Load) -> None:
    document = changed("dev", {"host": "10.0.0.1", "server/replicas": "2", "teams/team-a/descripton": "x"})
    with pytest.raises(pulumi.RunError) as refused:
        load(document)
    first, *lines = str(refused.value).splitlines()
    assert first == "3 mistakes in Pulumi.dev.yaml (docs/configuration.md lists every key)"
    assert [line.split(": ")[0] for line in lines] == [
        "  - host",
        "  - server.replicas",
        "  - teams.team-a.descripton",
    ]


def test_one_mistake_is_called_one(load: Load) -> None:
    with pytest.raises(pulumi.RunError, match=r"^1 mistake in Pulumi\.dev\.yaml"):
        load(changed("dev", {"host": ...}))


def test_wrong_values_contradictions_and_secrets_are_reported_together(complaints: Complaints) -> None:
    document = changed(
        "prod",
        {
            "profile": "production",
            "aws": ...,
            "database": EXTERNAL,
            "artifacts": S3,
            "namespace": "Platform",
            "certificate": {"kind": "self-signed", "issued": "soon"},
            "server/memory": "2Gi",
            "teams/research/groups": {"manager": "nobody"},
        },
    )
    reported = [line.split(": ")[0] for line in complaints(document)]
    assert reported == [
        "  - namespace",
        "  - certificate.issued",
        "  - teams.research.groups.manager",
        "  - certificate.kind",
        "  - server.memory",
        "  - databasePassword",
        "  - artifactsAccessKeyId",
        "  - artifactsSecretAccessKey",
        "  - loginClientSecret",
    ]


def test_a_contradiction_with_a_default_is_found(complaints: Complaints) -> None:
    (line,) = complaints(changed("dev", {"teams/mlflow": {}}))
    assert "the platform (`namespace`)" in line


def test_a_wrong_value_causes_no_second_complaint_about_a_sum(complaints: Complaints) -> None:
    (line,) = complaints(changed("dev", {"server/replicas": 1000}))
    assert line.startswith("  - server.replicas: ")


def test_groups_of_a_misnamed_team_are_known_all_the_same(complaints: Complaints) -> None:
    users = {"carol@example.com": {"groups": ["Team_C-mlflow-users", "others"]}}
    document = changed("dev", {"teams/Team_C": None, "teams/team-d": {"groups": ["others"]}, "login/users": users})
    assert [line.split(": ")[0] for line in complaints(document)] == [
        "  - teams.Team_C",
        "  - teams.Team_C",
        "  - teams.team-d.groups",
    ]


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        (
            {"artifacts": {**S3, "credentials": {"kind": "secret", "name": "BAD"}}},
            ["artifacts.credentials.name", "artifacts"],
        ),
        ({"artifacts": {**S3, "secretAccessKey": "x"}}, ["artifacts.secretAccessKey"]),
    ],
)
def test_only_a_secret_in_a_section_explains_why_it_is_encrypted(
    changes: Document, reported: list[str], complaints: Complaints
) -> None:
    lines = complaints(changed("dev", changes), encrypted=["artifacts"])
    assert [path for line in lines if (path := line[4:].split(": ")[0]) not in NEEDS] == reported


def test_keys_of_other_programs_are_left_alone(complaints: Complaints) -> None:
    assert complaints({**committed("dev"), "pulumi:disable-default-providers": '["*"]', "aws:region": "x"}) == []


def test_the_empty_defaults_of_pulumi_yaml_count_as_absent(complaints: Complaints) -> None:
    absent = dict.fromkeys(["namespace", "cluster", "sessions", "images", *NEEDS], "")
    assert complaints(absent | committed("dev")) == []


def test_a_section_may_be_written_as_json(complaints: Complaints) -> None:
    assert complaints(changed("dev", {"teams": '{"team-a": {}, "team-b": {}}'})) == []
    (line,) = complaints(changed("dev", {"teams": '{"team-a": {}'}))
    assert line.startswith("  - teams: expected a mapping, found a string")


def test_values_of_an_encrypted_section_are_not_shown(complaints: Complaints) -> None:
    database = {"kind": "external", "host": "hunter2", "password": "hunter2"}
    lines = complaints(changed("dev", {"database": database}), encrypted=["database"])
    assert [line.split(": ")[0] for line in lines] == [
        "  - database.host",
        "  - database.password",
        "  - databasePassword",
    ]
    assert CANARY not in "\n".join(lines)


def test_a_value_below_a_key_that_sounds_secret_is_not_shown(complaints: Complaints) -> None:
    annotations = {"example.com/auth-token": 2222}
    (line,) = complaints(changed("dev", {"cluster": {"ingressAnnotations": annotations}}))
    assert "found a value that is not shown" in line
    assert "2222" not in line


def test_an_innocent_value_is_shown(complaints: Complaints) -> None:
    (line,) = complaints(changed("dev", {"host": "https://keycloak.example.com/token"}))
    assert 'found "https://keycloak.example.com/token"' in line


def test_a_long_value_is_cut(complaints: Complaints) -> None:
    (line,) = complaints(changed("dev", {"namespace": "x" * 1000}))
    assert len(line) < 300


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_whatever_stands_anywhere_is_judged_without_a_crash_or_a_leak(stack: str, complaints: Complaints) -> None:
    secrets = dict.fromkeys(NEEDS, CANARY) if stack == "prod" else {}
    whole = committed(stack)
    refused = 0
    for path in paths(whole):
        for wrong in WRONG:
            document = changed(stack, {path: deepcopy(wrong)}) | secrets
            lines = complaints(document, encrypted=list(secrets))
            assert CANARY not in "\n".join(lines), (path, wrong)
            assert not any(map(HALF_CHARACTER.search, lines)), (path, wrong)
            assert all(line.count(": ") >= 1 and "; " in line for line in lines), lines
            refused += bool(lines)
    assert refused > 10 * len(list(paths(whole)))


@pytest.mark.parametrize("path", ["host", "server", "server/workers", "server/unknown", "unknown", "teams/team-a"])
def test_what_json_cannot_contain_is_judged_without_a_crash(path: str) -> None:
    for wrong in WRONG[-5:]:
        assert validated(changed("dev", {path: wrong})).mistakes != []


@pytest.mark.parametrize("content", ["9" * 5000, "[" * 100_000, '"\\ud800"', "NaN", "Infinity", "1e999"])
def test_a_section_written_as_json_is_judged_without_a_crash(content: str, complaints: Complaints) -> None:
    assert complaints(changed("dev", {"server": f'{{"workers": {content}}}'})) != []
    assert complaints(changed("dev", {"unknown": f'{{"a": {content}}}'})) != []


def test_the_error_carries_no_cause_that_could_show_values(load: Load) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        load(changed("dev", {"database/kind": "external", "database/host": f"u:{CANARY}@db.example.com"}))
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
