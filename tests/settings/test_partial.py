"""Files with several mistakes: a wrong, missing or misspelt setting hides only what depends on it."""

import functools
import re

import pytest

from settings import Settings
from settings.partial import key, partial
from settings.profiles import PRESETS, PROFILES, Profile
from settings.schema.base import UnknownValueError
from tests.settings.cases import S3
from tests.settings.stack_files import Document, changed, committed, validated

SUBNET = "subnet-0123456789abcdef0"
# Files with several mistakes, and the keys that are reported.
SEVERAL: dict[str, tuple[str, Document, list[str]]] = {
    "a misnamed team whose groups are wrong too": (
        "dev",
        {"teams/Team_C": {"groups": {"manager": ["c", "c"]}}},
        ["teams.Team_C", "teams.Team_C.groups"],
    ),
    "a team without content, and another one's accounts": (
        "dev",
        {"teams/team-c": None, "teams/team-d": {"serviceAccounts": ["x", "x"]}},
        ["teams.team-c", "teams.team-d.serviceAccounts"],
    ),
    "a misspelt setting beside one that does not depend on it": (
        "dev",
        {"sessions": {"refreshMinute": 5, "hours": 1}, "server/memory": "2Gi"},
        ["sessions.refreshMinute", "server.memory"],
    ),
    "a misspelt setting that makes a rule's answer unknown": (
        "dev",
        {"teams/team-a": {"groups": {"managers": ["a"]}}, "login/users/carol@example.com": {"groups": ["a"]}},
        ["teams.team-a.groups.managers"],
    ),
    "a kind that decides whether AWS is used": ("prod", {"database/kind": "rdss", "artifacts": S3}, ["database.kind"]),
    "a kind that does not": ("prod", {"database/kind": "rdss", "aws": ...}, ["database.kind", "aws"]),
    "a key of another account and region, and a wrong boundary": (
        "prod",
        {
            "artifacts/kmsKey": "arn:aws:kms:eu-west-1:210987654321:key/12345678-1234-1234-1234-123456789012",
            "aws/permissionsBoundary": "boundary",
        },
        ["aws.permissionsBoundary", "artifacts.kmsKey", "artifacts.kmsKey"],
    ),
    "tags of which one is wrong": ("prod", {"aws/tags": {"aws:x": "a", "b": 3}}, ["aws.tags.b", 'aws.tags["aws:..."]']),
    "annotations of which one is wrong": (
        "dev",
        {"cluster": {"ingressAnnotations": {"cert-manager.io/x": "a", "b": 3}}},
        ["cluster.ingressAnnotations.b", 'cluster.ingressAnnotations["cert-manager.io/x"]'],
    ),
    "service accounts of which one is wrong": (
        "dev",
        {"teams/team-a": {"serviceAccounts": ["mlflow-client", "a", "a", "B_"]}},
        ["teams.team-a.serviceAccounts", "teams.team-a.serviceAccounts", "teams.team-a.serviceAccounts[3]"],
    ),
    "subnets of which one is wrong, and one twice": (
        "prod",
        {"database/subnets": [SUBNET, "x", SUBNET]},
        ["database.subnets", "database.subnets[1]"],
    ),
    "two subnets of which one is wrong": ("prod", {"database/subnets": [SUBNET, "x"]}, ["database.subnets[1]"]),
    "one subnet, which is wrong": ("prod", {"database/subnets": ["x"]}, ["database.subnets", "database.subnets[0]"]),
    "a wrong feature that may be meant as webhooks": (
        "dev",
        {"server/features": ["webhook"], "server/webhookHosts": ["hooks.example.com", "x"]},
        ["server.features[0]", "server.webhookHosts[1]"],
    ),
    "a wrong audience that may be meant as the missing one": (
        "dev",
        {"cluster": {"serviceAccountAudiences": ["mlflow ", "a", "a"]}},
        ["cluster.serviceAccountAudiences", "cluster.serviceAccountAudiences[0]"],
    ),
    "a list for the groups of a team, and a group of nobody": (
        "dev",
        {"teams/team-a": {"groups": ["a"]}, "login/users/carol@example.com": {"groups": [3, "b", "a"]}},
        [
            "teams.team-a.groups",
            'login.users["carol@example.com"].groups[0]',
            'login.users["carol@example.com"].groups[1]',
        ],
    ),
    "a wrong group of a team, also of a user": (
        "dev",
        {
            "teams/team-c": {"groups": {"viewer": ["system:a", "c", "c"]}},
            "login/users/carol@example.com": {"groups": ["system:a", "b"]},
        },
        [
            "teams.team-c.groups",
            "teams.team-c.groups.viewer[0]",
            'login.users["carol@example.com"].groups[0]',
            'login.users["carol@example.com"].groups[1]',
        ],
    ),
    "a wrong profile beside hosts that are the platform's own": (
        "dev",
        {"profile": "x", "login/kind": "oidc", "artifacts": {**S3, "endpointUrl": "https://mlflow.localhost"}},
        ["profile", "login.issuer", "login.clientId", "login.users", "artifacts.endpointUrl"],
    ),
}


@pytest.mark.parametrize(("stack", "changes", "expected"), SEVERAL.values(), ids=SEVERAL)
def test_a_mistake_hides_only_what_depends_on_it(stack: str, changes: Document, expected: list[str]) -> None:
    assert sorted(one.path for one in validated(changed(stack, changes)).mistakes) == sorted(expected)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_misspelt_setting_is_unknown_not_the_profiles(profile: Profile) -> None:
    for preset in (one for one in PRESETS if profile in one.values and one.kind in (None, "in-cluster")):
        *above, last = preset.path.split(".")
        section: Document = {f"{last[:-2]}{last[-1]}": 1}
        for step in reversed(above[1:]):
            section = {step: section}
        whole = partial(Settings, {"profile": profile, above[0]: {"kind": preset.kind, **section}})
        names = [re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", step) for step in preset.path.split(".")]
        with pytest.raises(UnknownValueError):
            functools.reduce(getattr, names, whole)


def test_a_misspelt_setting_beside_a_profile_is_the_only_mistake() -> None:
    login: Document = {"kind": "basic", "users": {"a@example.com": {}}}
    server = {"server/memoryLimt": "8Gi", "server/memory": "2Gi", "host": "mlflow.example.com"}
    (mistake,) = validated(changed("dev", {"profile": "small", "login": login, **server})).mistakes
    assert mistake.path == "server.memoryLimt"


def test_a_setting_of_another_place_is_not_found_in_settings_without_one() -> None:
    whole = validated(committed("dev")).settings
    assert isinstance(whole, Settings)
    with pytest.raises(TypeError, match="Server has no place in a stack file"):
        key(whole.server, lambda one: one.replicas)
