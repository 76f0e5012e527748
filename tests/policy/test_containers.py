import pytest

from tests.policy.examples import CONTAINER, WORKLOAD, deployment
from tests.policy.judge import ABSENT, UNKNOWN, Asked, changed, violations

PATH = "spec.template.spec.containers.0"
BARE = {"name": "setup", "image": "registry.example.com/team/setup:1"}


@pytest.mark.parametrize("bound", ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"])
def test_a_container_without_one_of_its_sizes_is_a_violation(bound: str) -> None:
    assert violations("containers-are-sized", deployment()) == []
    assert violations("containers-are-sized", deployment(changed(WORKLOAD, f"{PATH}.resources.{bound}", ABSENT))) == [
        f"container `server`: resources.{bound} is missing: set it to what the container needs"
    ]


def test_a_size_that_is_not_decided_yet_is_none() -> None:
    undecided = changed(WORKLOAD, f"{PATH}.resources.limits.memory", UNKNOWN)
    assert violations("containers-are-sized", deployment(undecided)) == []


def test_an_init_container_is_sized_as_well() -> None:
    inputs = changed(WORKLOAD, "spec.template.spec.initContainers", [BARE])
    assert len(violations("containers-are-sized", deployment(inputs))) == 4


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
def test_a_server_without_a_probe_is_a_violation(probe: str) -> None:
    assert violations("containers-are-probed", deployment()) == []
    found = violations("containers-are-probed", deployment(changed(WORKLOAD, f"{PATH}.{probe}", ABSENT)))
    assert found == [f"container `server`: {probe} is missing: Kubernetes would not notice that the container hangs"]


def test_a_container_that_ends_needs_no_probe() -> None:
    job = Asked(type="kubernetes:batch/v1:Job", inputs={"spec": {"template": {"spec": {"containers": [BARE]}}}})
    assert violations("containers-are-probed", job) == []


def test_a_sidecar_is_a_server_wherever_it_is_written() -> None:
    inputs = {"spec": {"template": {"spec": {"initContainers": [{**BARE, "restartPolicy": "Always"}]}}}}
    job = Asked(type="kubernetes:batch/v1:Job", inputs=inputs)
    assert len(violations("containers-are-probed", job)) == 2


@pytest.mark.parametrize(
    "image",
    [
        "server",
        "server:latest",
        "registry.example.com:5000/server",
        "registry.example.com:5000/team/server:main",
        "quay.io/team/server:stable",
        "",
    ],
)
def test_an_image_that_means_another_one_tomorrow_is_a_violation(image: str) -> None:
    assert violations("images-name-a-version", deployment(changed(WORKLOAD, f"{PATH}.image", image))) == [
        f"container `server`: image `{image}` must have a version tag or a digest"
    ]


@pytest.mark.parametrize(
    "image",
    [
        "server:17-trixie",
        "registry.example.com:5000/team/server:1.4.2",
        f"registry.example.com:5000/server@sha256:{'0' * 64}",
        f"server:latest@sha256:{'0' * 64}",
        UNKNOWN,
    ],
)
def test_an_image_with_a_version_or_a_digest_is_none(image: str) -> None:
    assert violations("images-name-a-version", deployment(changed(WORKLOAD, f"{PATH}.image", image))) == []


@pytest.mark.parametrize("image", [f"server@sha256:{'0' * 64}", f"server:1@sha256:{'a' * 64}", UNKNOWN])
def test_an_image_with_a_digest_is_pinned(image: str) -> None:
    assert violations("images-are-pinned", deployment(changed(WORKLOAD, f"{PATH}.image", image))) == []


@pytest.mark.parametrize("image", ["server", "server:1.4.2", "server@sha256:abc", f"server@sha256:{'0' * 65}"])
def test_an_image_without_a_digest_is_a_violation_where_one_is_demanded(image: str) -> None:
    assert violations("images-are-pinned", deployment(changed(WORKLOAD, f"{PATH}.image", image))) == [
        f"container `server`: image `{image}` has no digest: append `@sha256:` and the digest"
    ]


def from_registries(image: str, *registries: str) -> list[str]:
    inputs = changed(WORKLOAD, f"{PATH}.image", image)
    return violations("images-come-from-known-registries", deployment(inputs), {"registries": list(registries)})


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("registry.example.com/team/server:1", "registry.example.com"),
        ("registry.example.com/team/server:1", "registry.example.com/team/"),
        ("registry.example.com:5000/server:1", "registry.example.com:5000"),
        ("localhost/server:1", "localhost"),
        ("server:1", "docker.io/library"),
        ("team/server:1", "docker.io/team"),
        (UNKNOWN, "registry.example.com"),
    ],
)
def test_an_image_of_an_allowed_registry_is_admitted(image: str, registry: str) -> None:
    assert from_registries(image, "elsewhere.example.com", registry) == []
    assert from_registries(image) == []


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("registry.example.com/team/server:1", "registry.example.com/te"),
        ("registry.example.com.evil.example/server:1", "registry.example.com"),
        ("registry.example.com/server:1", "registry.example.com:5000"),
        ("server:1", "docker.io/team"),
        ("server:1", "server"),
        ("team/server:1", "team"),
    ],
)
def test_an_image_of_another_registry_is_a_violation(image: str, registry: str) -> None:
    assert from_registries(image, registry) == [
        f"container `server`: image `{image}` is not from {registry}: copy it there"
    ]


@pytest.mark.parametrize("value", [False, ABSENT])
def test_a_container_that_can_change_its_own_programs_is_a_violation(value: object) -> None:
    path = f"{PATH}.securityContext.readOnlyRootFilesystem"
    assert violations("root-file-systems-are-read-only", deployment()) == []
    assert violations("root-file-systems-are-read-only", deployment(changed(WORKLOAD, path, UNKNOWN))) == []
    assert violations("root-file-systems-are-read-only", deployment(changed(WORKLOAD, path, value))) == [
        (
            "container `server`: securityContext.readOnlyRootFilesystem must be true: "
            "mount a volume for files that the container writes"
        )
    ]


@pytest.mark.parametrize("value", [True, ABSENT])
def test_a_pod_with_an_api_token_by_default_is_a_violation(value: object) -> None:
    path = "spec.template.spec.automountServiceAccountToken"
    assert violations("api-tokens-are-mounted-on-purpose", deployment()) == []
    assert violations("api-tokens-are-mounted-on-purpose", deployment(changed(WORKLOAD, path, UNKNOWN))) == []
    assert len(violations("api-tokens-are-mounted-on-purpose", deployment(changed(WORKLOAD, path, value)))) == 1


def test_what_has_no_pods_has_no_token() -> None:
    assert violations("api-tokens-are-mounted-on-purpose", Asked(type="kubernetes:core/v1:Secret", inputs={})) == []


def test_the_example_container_breaks_nothing() -> None:
    names = ("containers-are-sized", "containers-are-probed", "images-name-a-version", "secrets-stay-in-secrets")
    inputs = changed(WORKLOAD, "spec.template.spec.containers", [CONTAINER, {**CONTAINER, "name": "second"}])
    assert [sentence for name in names for sentence in violations(name, deployment(inputs))] == []
