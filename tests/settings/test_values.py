import itertools
import posixpath
import re
import string
from collections.abc import Callable, Iterator
from typing import get_args
from urllib.parse import urlsplit

import pytest
from mlflow_platform_server import routes

from settings.types import addresses, values
from settings.types.kinds import Kind
from settings.types.quantities import cpu_in_cores, size_in_bytes

DIGEST = f"@sha256:{'0' * 64}"


def kind_in(annotated: object) -> Kind:
    (kind,) = (item for item in get_args(annotated) if isinstance(item, Kind))
    return kind


def words(alphabet: str, longest: int) -> Iterator[str]:
    """Every text over an alphabet up to a length."""
    for length in range(longest + 1):
        yield from map("".join, itertools.product(alphabet, repeat=length))


host, server, team = kind_in(values.Host), kind_in(values.ServerHost), kind_in(values.TeamName)


def test_a_host_is_right_exactly_when_each_of_its_labels_is() -> None:
    label = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
    for text in words("a0-._A", 6):
        labels = text.split(".")
        right = len(labels) > 1 and all(label.fullmatch(part) for part in labels) and labels[-1][0].isalpha()
        assert (host.remedy(text) is None) == right, text


def test_no_character_but_those_of_host_names_gets_into_a_host() -> None:
    name = "mlflow.example.com"
    for character in set(map(chr, range(256))) - set(string.ascii_lowercase + string.digits + ".-"):
        for position in range(len(name) + 1):
            assert host.remedy(name[:position] + character + name[position:]) is not None


def test_a_right_host_is_the_host_of_its_url() -> None:
    for text in words("a0-.", 6):
        if host.remedy(text) is None:
            parts = urlsplit(f"https://{text}/path")
            assert (parts.hostname, parts.port, parts.path) == (text, None, "/path")


def test_a_host_leaves_room_for_the_identity_provider() -> None:
    longest = ".".join(["a" * 61] * 4)[: addresses.LONGEST_HOST]
    assert host.remedy(longest) is None
    assert len(f"dex.{longest}") <= 253
    assert host.remedy(f"aaaa.{longest}") is not None
    assert host.remedy(f"{'a' * 64}.example.com") is not None


@pytest.mark.parametrize("text", ["10.0.0.5", "postgres.databases.svc", "db.example.com"])
def test_a_database_is_found_by_name_or_address(text: str) -> None:
    assert server.remedy(text) is None


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "localhost", "db", "db.example.com:5432", "256.1.1.1"])
def test_a_database_is_not_found_by(text: str) -> None:
    assert server.remedy(text) is not None


def test_a_team_has_a_name_that_mlflow_and_kubernetes_take() -> None:
    # mlflow/store/workspace/abstract_store.py, WorkspaceNameValidator; a namespace is a DNS label.
    mlflow = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
    for text in words("a9-_A .", 5):
        right = bool(mlflow.fullmatch(text)) and len(text) >= 2
        assert (team.remedy(text) is None) == right, text
    assert team.remedy("a" * 63) is None
    assert team.remedy("a" * 64) is not None


@pytest.mark.parametrize("name", ["workspaces", "api", "ajax-api", "static-files", "default", "kube-x", "openshift-x"])
def test_a_team_cannot_be_called(name: str) -> None:
    assert team.remedy(name) is not None


@pytest.mark.parametrize(
    ("annotated", "suggests"),
    [
        (values.TeamName, r"for example (.+)"),
        (values.Identifier, r"for example (.+)"),
        (values.ObjectName, r"for example (.+)"),
        (values.Host, r"in lower case: (.+)"),
        (values.Email, r"in lower case: (.+)"),
        (values.Size, r'like "([^"]+)"$'),
        (values.VolumeSize, r'is "([^"]+)"$'),
        (values.Image, r"for example (.+)"),
        (values.Bucket, r"folder: (.+)"),
        (values.Prefix, r"around it: (.+)"),
        (values.Region, r"region, (.+)"),
        (values.Date, r'as a timestamp: "(.+)"'),
        (values.Account, r"for example (.+)"),
        (values.AddressRange, r"(?:as|like) ([0-9a-f.:]+/[0-9]+)$"),
    ],
)
def test_what_a_remedy_suggests_is_right(annotated: object, suggests: str) -> None:
    kind = kind_in(annotated)
    wrong = [
        *("Team A", "team_a", "-a-", "1st_db", "ML.Example.com", "https://a.example.com/x", "A@B.example.com"),
        *("5G ", "5gb", "700m", "1000Ki", "100Mi", "postgres:17", "library/postgres:17", "s3://bucket/folder"),
        *("10.1.2.3", "10.1.2.3/8", "fd12:3456::1"),
        *("eu-central-1a", "2026-11-01 00:00:00 +0000 UTC", "a.b.", "ÄÖ", "x" * 300),
    ]
    suggested = [
        found[1]
        for text in wrong
        if (remedy := kind.remedy(text)) and (found := re.search(suggests, remedy)) is not None
    ]
    assert suggested
    assert [text for text in suggested if kind.remedy(text) is not None] == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("1Ki", 1024), ("1.5Gi", 1.5 * 2**30), ("10G", 10**10), ("7k", 7000), ("2Ti", 2**41)],
)
def test_sizes_are_kubernetes_sizes(text: str, size: float) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize(("text", "cores"), [("250m", 0.25), ("2", 2), ("0.5", 0.5)])
def test_cpu_is_cores_or_thousandths(text: str, cores: float) -> None:
    assert cpu_in_cores(text) == cores


@pytest.mark.parametrize(
    "image",
    [
        "localhost/mlflow-platform/mlflow:1.2.3",
        "registry.example.com:5000/a/b-c__d.e:1",
        f"ghcr.io/dexidp/dex{DIGEST}",
        f"ghcr.io/dexidp/dex:v2.45.1{DIGEST}",
        f"ghcr.io/dexidp/dex:latest{DIGEST}",
    ],
)
def test_an_image_is_pinned_by_version_or_digest(image: str) -> None:
    assert kind_in(values.Image).remedy(image) is None


@pytest.mark.parametrize(
    ("annotated", "text"),
    [
        (values.Issuer, "https://tenant.eu.auth0.com/"),
        (values.Issuer, "https://login.microsoftonline.com/0000-11/v2.0"),
        (values.Issuer, "https://oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF"),
        (values.Issuer, "https://login.example.com:8443/realms/My~Company"),
        (values.Endpoint, "http://minio.storage.svc:9000"),
        (values.Endpoint, "https://10.1.2.3:9000"),
        (values.Region, "fr-par"),
        (values.Region, "us-gov-west-1"),
        (values.Region, "garage"),
        (values.Bucket, "my.bucket-1"),
        (values.Audience, "https://kubernetes.default.svc"),
        (values.Audience, "api://AzureADTokenExchange"),
        (values.AddressRange, "10.0.0.0/8"),
        (values.AddressRange, "fd12:3456::/48"),
        (values.Account, "default-editor"),
        (values.Account, "kubeflow-team-a/default-editor"),
        (values.Group, "Data Scientists (EU)"),
        (values.Group, "6f2a9f0c-0000-4000-8000-000000000000"),
        (values.ObjectName, "gp3.encrypted"),
    ],
)
def test_what_others_use_is_accepted(annotated: object, text: str) -> None:
    assert kind_in(annotated).remedy(text) is None


@pytest.mark.parametrize(
    "text", ["ab", "a..b", ".abc", "abc.", "-abc", "10.0.0.1", "a" * 64, "Bucket", "s3://", "a/b", "s3://A/b"]
)
def test_a_bucket_cannot_be_called(text: str) -> None:
    assert kind_in(values.Bucket).remedy(text) is not None


url_path = kind_in(values.UrlPath)


def test_a_path_is_right_exactly_when_each_of_its_parts_is() -> None:
    part = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
    for text in words("/a0-._A%", 5):
        first, *parts = text.split("/")
        right = not first and bool(parts) and all(part.fullmatch(one.replace("_", "-")) for one in parts)
        assert (url_path.remedy(text) is None) == right, text


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("x://[", "remove the key"), ("https://a]/b", "write /b"), ("https://[::1]:80/mlflow/?x#y", "write /mlflow")],
)
def test_a_path_is_found_in_a_url(text: str, remedy: str) -> None:
    assert str(url_path.remedy(text)).startswith(remedy)


def test_a_path_is_the_path_of_its_url() -> None:
    for text in words("/a0-._", 5):
        if url_path.remedy(text) is None:
            assert urlsplit(f"https://mlflow.example.com{text}/").path == f"{text}/"
            assert posixpath.normpath(text) == text


@pytest.mark.parametrize("name", sorted(addresses.OWN_PATHS))
def test_a_path_does_not_begin_like_one_of_the_servers_or_the_logins(name: str) -> None:
    assert url_path.remedy(f"/{name}") is not None
    assert url_path.remedy(f"/{name}/mlflow") is not None
    assert url_path.remedy(f"/clusters/{name}") is None


def all_kinds() -> list[Callable[[object], str | None]]:
    return [kind.remedy for value in vars(values).values() for kind in get_args(value) if isinstance(kind, Kind)]


def test_no_kind_takes_a_list_a_section_or_nothing() -> None:
    remedies = all_kinds()
    assert len(remedies) > 20
    for remedy in remedies:
        for value in (None, [], ["a"], {}, {"a": "b"}):
            assert remedy(value) is not None


def test_no_kind_fails_to_judge_a_text() -> None:
    parts = (
        "x",
        "x://",
        "https://",
        "[",
        "]",
        "/",
        "@",
        ":",
        "?",
        "#",
        "%",
        "::1",
        "{",
        "²",
        "10.0.0.0",
        "1",
        "\ufffd",
    )
    for remedy in all_kinds():
        for text in map("".join, itertools.product(("", *parts), repeat=2)):
            for around in ("{}", "[{}]", "x://{}", "https://{}"):
                assert remedy(around.replace("{}", text)) != ""


def test_no_kind_repeats_a_password() -> None:
    carriers = (
        "postgresql://mlflow:hunter2@db.example.com/mlflow",
        "https://key:hunter2@s3.example.com/bucket",
        "https://login.example.com/?token=hunter2/.well-known/openid-configuration",
        "https://u:hunter2@login.example.com/.well-known/openid-configuration",
        "mlflow:hun@hunter2/x@db.example.com",
        "db.example.com?password=hunter2",
        '"u:hunter2@db.example.com"',
        "s3://hunter2@bucket/folder",
        "alice@example.com:hunter2",
    )
    for remedy in all_kinds():
        for text in carriers:
            assert "hunter2" not in (remedy(text) or ""), text


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "169.254.169.254/32", "169.254.0.0/17", "128.0.0.0/1", "::/0", "fd00::/8", "fe80::/64"]
)
def test_no_range_of_addresses_holds_a_metadata_service(text: str) -> None:
    assert "metadata" in (kind_in(values.AddressRange).remedy(text) or "")


def test_every_feature_of_the_server_is_offered_or_refused_with_a_reason() -> None:
    known = routes.read(routes.FILE.read_text(encoding="utf-8")).features
    feature = kind_in(values.Feature)
    offered = {name for name in known if feature.remedy(name) is None}
    assert offered == {"webhooks"}
    assert offered | set(values.NOT_OFFERED) == set(known)
    assert all("is not offered, because" in (feature.remedy(name) or "") for name in values.NOT_OFFERED)


@pytest.mark.parametrize("text", ["mlflow-artifacts", "data/ml_flow", "a", "2026/v1.2", "x" * 200])
def test_a_folder_of_a_bucket_has_plain_names(text: str) -> None:
    assert kind_in(values.Prefix).remedy(text) is None


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a//b", "..", "a/../b", "./a", "a%2fb", "a b", "ä", "x" * 201])
def test_a_folder_of_a_bucket_leads_nowhere_else(text: str) -> None:
    assert kind_in(values.Prefix).remedy(text) is not None


@pytest.mark.parametrize("text", ["mlflow-enabled=true", "example.com/mlflow=yes", "a=b", "x_y.z=1"])
def test_workspaces_are_chosen_by_one_label_with_its_value(text: str) -> None:
    assert kind_in(values.NamespaceLabel).remedy(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("mlflow-enabled", "=true", "a=", "a==b", "a=b,c=d", "a in (b)", "!a", "a=b=c", "a/b/c=d", "-a=b"),
        *("pod-security.kubernetes.io/enforce=restricted", "kubernetes.io/metadata.name=x", "k8s.io/a=b"),
        "mlflow-platform/archived=true",
    ],
)
def test_workspaces_are_not_chosen_by(text: str) -> None:
    assert kind_in(values.NamespaceLabel).remedy(text) is not None
