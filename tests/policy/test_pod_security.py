import pytest

from tests.policy.examples import CONTAINER, POD, WORKLOAD, deployment
from tests.policy.judge import ABSENT, UNKNOWN, Asked, changed, violations

POLICY = "pods-are-restricted"
POD_PATH = "spec.template.spec"
CONTAINER_PATH = f"{POD_PATH}.containers.0"

FORBIDDEN = [
    (f"{POD_PATH}.hostNetwork", True, "hostNetwork must be absent or false"),
    (f"{POD_PATH}.hostPID", True, "hostPID must be absent or false"),
    (f"{POD_PATH}.hostIPC", True, "hostIPC must be absent or false"),
    (f"{POD_PATH}.volumes.0.hostPath", {"path": "/"}, "volume `tmp` is a hostPath"),
    (f"{POD_PATH}.volumes.0.nfs", {"server": "x"}, "volume `tmp` is a nfs"),
    (f"{POD_PATH}.securityContext.runAsNonRoot", False, "securityContext.runAsNonRoot must be true"),
    (f"{POD_PATH}.securityContext.runAsNonRoot", ABSENT, "securityContext.runAsNonRoot must be true"),
    (f"{POD_PATH}.securityContext.runAsUser", 0, "securityContext.runAsUser must not be 0"),
    (f"{POD_PATH}.securityContext.seccompProfile.type", "Unconfined", "securityContext.seccompProfile.type must be"),
    (f"{POD_PATH}.securityContext.seccompProfile", ABSENT, "securityContext.seccompProfile.type must be"),
    (f"{POD_PATH}.securityContext.appArmorProfile.type", "Unconfined", "appArmorProfile.type must be"),
    (f"{POD_PATH}.securityContext.seLinuxOptions.type", "spc_t", "seLinuxOptions.type must be"),
    (f"{POD_PATH}.securityContext.windowsOptions.hostProcess", True, "windowsOptions.hostProcess must be"),
    (
        f"{POD_PATH}.securityContext.sysctls",
        [{"name": "kernel.msgmax"}],
        "sysctl kernel.msgmax is not allowed, because it affects other pods",
    ),
    (f"{CONTAINER_PATH}.securityContext", ABSENT, "allowPrivilegeEscalation must be false"),
    (f"{CONTAINER_PATH}.securityContext.privileged", True, "privileged must be absent or false"),
    (f"{CONTAINER_PATH}.securityContext.allowPrivilegeEscalation", True, "allowPrivilegeEscalation must be false"),
    (f"{CONTAINER_PATH}.securityContext.allowPrivilegeEscalation", ABSENT, "allowPrivilegeEscalation must be false"),
    (f"{CONTAINER_PATH}.securityContext.procMount", "Unmasked", "procMount must be"),
    (f"{CONTAINER_PATH}.securityContext.capabilities", ABSENT, "capabilities.drop must contain ALL"),
    (f"{CONTAINER_PATH}.securityContext.capabilities.drop", ["NET_RAW"], "capabilities.drop must contain ALL"),
    (f"{CONTAINER_PATH}.securityContext.capabilities.add", ["SYS_ADMIN"], "must not contain SYS_ADMIN"),
    (f"{CONTAINER_PATH}.securityContext.runAsNonRoot", False, "runAsNonRoot must be true"),
    (f"{CONTAINER_PATH}.securityContext.runAsUser", 0, "runAsUser must not be 0"),
    (f"{CONTAINER_PATH}.securityContext.seccompProfile.type", "Unconfined", "seccompProfile.type must be"),
    (f"{CONTAINER_PATH}.ports", [{"containerPort": 80, "hostPort": 80}], "hostPort must be absent or 0"),
    (f"{CONTAINER_PATH}.livenessProbe.httpGet.host", "10.0.0.1", "livenessProbe.httpGet.host must be absent"),
]

ALLOWED = [
    (f"{POD_PATH}.hostNetwork", False),
    (f"{POD_PATH}.volumes.0", {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}),
    (f"{POD_PATH}.securityContext.seccompProfile.type", "Localhost"),
    (f"{POD_PATH}.securityContext.sysctls", [{"name": "net.ipv4.ping_group_range"}]),
    (f"{CONTAINER_PATH}.securityContext.capabilities.add", ["NET_BIND_SERVICE"]),
    (f"{CONTAINER_PATH}.securityContext.runAsNonRoot", True),
    (f"{CONTAINER_PATH}.ports", [{"containerPort": 80}]),
]

# Where a preview may not know yet what the deployment will write.
UNDECIDED = [
    POD_PATH,
    f"{POD_PATH}.containers",
    f"{POD_PATH}.securityContext",
    f"{POD_PATH}.securityContext.runAsNonRoot",
    f"{POD_PATH}.securityContext.sysctls",
    f"{CONTAINER_PATH}.image",
    f"{CONTAINER_PATH}.securityContext.capabilities",
    f"{CONTAINER_PATH}.securityContext.capabilities.drop",
    f"{CONTAINER_PATH}.securityContext.privileged",
]


def test_a_pod_of_the_restricted_level_is_admitted() -> None:
    assert violations(POLICY, deployment()) == []


@pytest.mark.parametrize(("path", "value", "sentence"), FORBIDDEN)
def test_what_the_restricted_level_forbids_is_a_violation(path: str, value: object, sentence: str) -> None:
    found = violations(POLICY, deployment(changed(WORKLOAD, path, value)))
    assert [one for one in found if sentence in one], found


@pytest.mark.parametrize(("path", "value"), ALLOWED)
def test_what_the_restricted_level_allows_is_none(path: str, value: object) -> None:
    assert violations(POLICY, deployment(changed(WORKLOAD, path, value))) == []


@pytest.mark.parametrize("path", UNDECIDED)
def test_a_preview_judges_what_it_knows_already(path: str) -> None:
    assert violations(POLICY, deployment(changed(WORKLOAD, path, UNKNOWN))) == []


def test_a_sysctl_that_is_not_decided_yet_is_none() -> None:
    undecided = changed(WORKLOAD, f"{POD_PATH}.securityContext.sysctls", [{"name": UNKNOWN}])
    assert violations(POLICY, deployment(undecided)) == []


def test_an_undecided_value_hides_no_other_violation() -> None:
    undecided = changed(WORKLOAD, f"{CONTAINER_PATH}.image", UNKNOWN)
    broken = changed(undecided, f"{CONTAINER_PATH}.securityContext.privileged", value=True)
    assert violations(POLICY, deployment(broken)) == [
        "container `server`: securityContext.privileged must be absent or false"
    ]


@pytest.mark.parametrize("place", ["initContainers", "containers", "ephemeralContainers"])
def test_containers_of_every_sort_are_judged(place: str) -> None:
    bad = changed(CONTAINER, "securityContext.privileged", value=True)
    assert violations(POLICY, deployment(changed(WORKLOAD, f"{POD_PATH}.{place}", [bad])))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("core/v1:Pod", "spec"),
        ("apps/v1:StatefulSet", "spec.template.spec"),
        ("apps/v1:DaemonSet", "spec.template.spec"),
        ("batch/v1:Job", "spec.template.spec"),
        ("batch/v1:CronJob", "spec.jobTemplate.spec.template.spec"),
    ],
)
def test_pods_are_found_in_every_kind_of_workload(kind: str, path: str) -> None:
    good = changed({}, path, POD)
    bad = changed(good, f"{path}.hostNetwork", value=True)
    assert violations(POLICY, Asked(type=f"kubernetes:{kind}", inputs=good)) == []
    assert violations(POLICY, Asked(type=f"kubernetes:{kind}", inputs=bad))


def test_a_kind_of_the_same_name_in_another_group_is_something_else() -> None:
    somebody_elses = Asked(
        type="kubernetes:serving.example.com/v1:Deployment", inputs={"spec": {"template": {"spec": {}}}}
    )
    assert violations(POLICY, somebody_elses) == []
