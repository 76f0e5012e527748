"""The Kubernetes provider itself, in a namespace of the test: its diffs, replacements, waits and messages.

If another release of the provider behaves differently, these tests show it before the platform does.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed import versions
from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, Finished, run
from testbed.e2e.deployment import started

pytestmark = pytest.mark.chapters

PROGRAM = Path(__file__).with_name("program")
SPACE = "provider-test"
UP = ("pulumi", "up", "--yes", "--skip-preview")
SECONDS = 90
GONE_SECONDS = 60
# How long the provider waits for what never becomes ready; its own patience is ten minutes.
PATIENCE = "5s"
NO_PATIENCE_NEEDED = "10m"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stack:
    """The test's Pulumi program, with its own folder and state."""

    folder: Path
    objects: dict[str, Json] = field(default_factory=dict[str, Json])

    def declare(self, **objects: Json) -> None:
        """Add objects to the program, or change them."""
        self.objects.update(objects)
        (self.folder / "objects.json").write_text(json.dumps(self.objects), encoding="utf-8")

    def pulumi(self, *arguments: str, expected: int | None = 0) -> Finished:
        """Run the engine on the program."""
        return self.run("pulumi", *arguments, expected=expected)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for the program's state, and for imports of the tools."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        return {"PULUMI_BACKEND_URL": f"file://{state}", "PYTHONPATH": str(CHECKOUT)}

    def run(self, *command: str, expected: int | None = 0) -> Finished:
        """Run a command with the program's environment."""
        return run(*command, env=self.environment, cwd=self.folder, seconds=SECONDS, expected=expected)

    def up(self, *options: str, expected: int | None = 0) -> Finished:
        """Deploy the program."""
        return self.run(*UP, *options, expected=expected)

    def planned(self) -> dict[str, str]:
        """Operations of the next `up` by resource name, without unchanged resources."""
        steps = json.loads(self.pulumi("preview", "--json").stdout)["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}

    def state(self) -> Json:
        """The program's state."""
        return json.loads(self.pulumi("stack", "export").stdout)["deployment"]

    def names(self) -> dict[str, str]:
        """Names of the objects in the cluster, by resource name."""
        named = [one for one in self.state().get("resources", ()) if one["type"].startswith("kubernetes:")]
        return {one["urn"].rpartition("::")[2]: one["id"].rpartition("/")[2] for one in named}


def remove_namespace() -> None:
    """Delete the namespace, which a failed run may have left."""
    kube.kubectl("delete", "namespace", SPACE, "--ignore-not-found", seconds=GONE_SECONDS)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("provider")
    for file in PROGRAM.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    stack = Stack(folder)
    stack.pulumi("stack", "init", "test")
    remove_namespace()
    yield stack
    remove_namespace()


def config_map(value: str, *, name: str = "", immutable: bool | None = None) -> Json:
    """A ConfigMap; without a name the provider generates one."""
    metadata = {"namespace": SPACE} | ({"name": name} if name else {})
    fields: Json = {"metadata": metadata, "data": {"key": value}}
    if immutable is not None:
        fields["immutable"] = immutable
    return {"kind": "ConfigMap", "patience": PATIENCE, "fields": fields}


def pod_spec(image: str, **more: object) -> Json:
    """A pod's spec as the Pod Security profile `restricted` demands."""
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": image,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                **more,
            }
        ],
    }


NOWHERE = {**pod_spec(versions.PAUSE_IMAGE), "nodeSelector": {"example.com/no-node": "has-this"}}
STORAGE = {"requests": {"storage": "1Mi"}}


def deployment(app: str, image: str, *, patience: str = NO_PATIENCE_NEEDED) -> Json:
    """A Deployment of one pod that does nothing."""
    labels = {"app": app}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(image)}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"kind": "Deployment", "patience": patience, "fields": {"metadata": {"namespace": SPACE}, "spec": spec}}


def value_of(name: str) -> str:
    """Value of the key `key` of a ConfigMap in the cluster."""
    return kube.one("configmap", name, SPACE)["data"]["key"]


def test_up_makes_everything_from_nothing_and_finds_no_change_afterwards(stack: Stack) -> None:
    stack.declare(
        named=config_map("one", name="named"),
        lost=config_map("one", name="lost"),
        drawn=config_map("one"),
        sealed=config_map("one", name="sealed", immutable=True),
        server=deployment("server", versions.PAUSE_IMAGE),
    )
    stack.up()
    server = kube.one("deployment", stack.names()["server"], SPACE)
    assert server["status"]["readyReplicas"] == 1
    assert stack.planned() == {}


def test_a_refresh_finds_what_was_changed_and_deleted_by_hand_and_up_mends_it(stack: Stack) -> None:
    kube.kubectl("patch", "configmap", "named", f"--namespace={SPACE}", '--patch={"data": {"key": "by hand"}}')
    kube.kubectl("delete", "configmap", "lost", f"--namespace={SPACE}")
    stack.pulumi("refresh", "--yes", "--skip-preview")
    assert stack.planned() == {"lost": "create", "named": "replace"}
    stack.up()
    assert (value_of("named"), value_of("lost")) == ("one", "one")


def test_an_object_is_replaced_under_its_name_and_one_without_a_name_under_another(stack: Stack) -> None:
    uid = kube.one("configmap", "named", SPACE)["metadata"]["uid"]
    before = stack.names()["drawn"]
    stack.declare(named=config_map("two", name="named"), drawn=config_map("two"))
    assert stack.planned() == {"named": "replace", "drawn": "replace"}
    stack.up()
    after = stack.names()["drawn"]
    assert (value_of("named"), value_of(after)) == ("two", "two")
    assert kube.one("configmap", "named", SPACE)["metadata"]["uid"] != uid
    assert before not in {one["metadata"]["name"] for one in kube.objects("configmaps", f"--namespace={SPACE}")}


def stateful_set(*, replicas: int) -> Json:
    """A StatefulSet with a volume; its pods fit on no node."""
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": STORAGE}}
    labels = {"app": "database"}
    template = {"metadata": {"labels": labels}, "spec": NOWHERE}
    spec = {
        "replicas": replicas,
        "serviceName": "database",
        "selector": {"matchLabels": labels},
        "template": template,
        "volumeClaimTemplates": [claim],
    }
    fields = {"metadata": {"namespace": SPACE, "name": "database"}, "spec": spec}
    return {"kind": "StatefulSet", "patience": NO_PATIENCE_NEEDED, "fields": fields}


def test_up_goes_on_where_it_was_killed(stack: Stack, tmp_path: Path) -> None:
    """Only the field manager that applied an object may change all its fields, so `up` must use the same one again."""

    def there() -> bool:
        found = kube.kubectl("get", "statefulset", "database", f"--namespace={SPACE}", expected=None)
        return found.code == 0

    stack.declare(database=stateful_set(replicas=1))
    command = ("pulumi", "up", "--yes", "--skip-preview")
    with started(*command, output=tmp_path / "killed.txt", cwd=stack.folder, env=stack.environment) as deployment:
        deployment.watch_until(there, seconds=SECONDS)
        deployment.kill()
    stack.pulumi("cancel", "--yes")
    assert [one["type"] for one in stack.state()["pending_operations"]] == ["creating"]
    stack.run(sys.executable, "-m", "tools.heal")
    stack.declare(database=stateful_set(replicas=0))
    stack.up()
    assert kube.one("statefulset", "database", SPACE)["spec"]["replicas"] == 0
    assert stack.planned() == {}


# What the provider says of each fault; all are made at once, and each is waited for by itself.
FAULTS: Mapping[str, tuple[str, ...]] = {
    "wrong-image": ("containers with unready status: [main]", "localhost/no-such-image:1"),
    "failing": ("[BackoffLimitExceeded] Job has reached the specified backoff limit",),
    # Of a pod that has no owner the reason is in the events that are shown meanwhile.
    "unschedulable": ("FailedScheduling: 0/1 nodes are available", "timed out waiting to be Ready"),
    "sealed": ("field is immutable when `immutable` is set",),
    "taken": ('Apply failed with 1 conflict: conflict with "kubectl-create"', ".data.key"),
}


@pytest.fixture(scope="module")
def refusals(stack: Stack) -> str:
    """Output of one `up` that has every fault of `FAULTS`."""
    kube.kubectl("create", "configmap", "taken", f"--namespace={SPACE}", "--from-literal=key=theirs")
    run_once: Json = {"restartPolicy": "Never", **pod_spec(versions.POSTGRES_IMAGE, command=["false"])}
    stack.declare(
        **{
            "wrong-image": deployment("wrong-image", "localhost/no-such-image:1", patience=PATIENCE),
            "failing": {
                "kind": "Job",
                "patience": NO_PATIENCE_NEEDED,
                "fields": {
                    "metadata": {"namespace": SPACE},
                    "spec": {"backoffLimit": 0, "template": {"spec": run_once}},
                },
            },
            "unschedulable": {
                "kind": "Pod",
                "patience": PATIENCE,
                "fields": {"metadata": {"namespace": SPACE}, "spec": NOWHERE},
            },
            "sealed": config_map("one", name="sealed", immutable=False),
            "taken": config_map("ours", name="taken"),
        }
    )
    done = stack.up("--continue-on-error", expected=None)
    assert done.code != 0, done.said
    return done.said


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_with_the_clusters_own_words(refusals: str, fault: str) -> None:
    for words in FAULTS[fault]:
        assert words in refusals


def test_what_others_have_made_stays_theirs(refusals: str) -> None:
    assert refusals
    assert value_of("taken") == "theirs"


def quota(pods: int) -> Json:
    """A ResourceQuota: the provider updates it in place, while it would replace a ConfigMap with other data."""
    fields: Json = {"metadata": {"namespace": SPACE, "name": "again"}, "spec": {"hard": {"pods": str(pods)}}}
    return {"kind": "ResourceQuota", "patience": PATIENCE, "fields": fields}


def pods_of_quota() -> str:
    """Number of pods that the ResourceQuota allows in the cluster."""
    return kube.one("resourcequota", "again", SPACE)["spec"]["hard"]["pods"]


def test_a_field_that_somebody_else_has_applied_is_taken_back_on_request(stack: Stack) -> None:
    """Tests the environment variable that `make up REFRESH=yes` sets (tools/up); without it the change is refused."""
    stack.declare(again=quota(1))
    target = ("--target", "**again")
    stack.up(*target)
    theirs = {"apiVersion": "v1", "kind": "ResourceQuota", **quota(5)["fields"]}
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=colleague", "--filename=-")
    kube.kubectl(*apply, stdin=json.dumps(theirs))
    stack.declare(again=quota(2))
    refused = stack.up(*target, expected=None)
    assert refused.code != 0, refused.said
    assert 'conflict with "colleague"' in refused.said
    stack.run("env", "PULUMI_K8S_ENABLE_PATCH_FORCE=true", *UP, "--refresh", *target)
    assert pods_of_quota() == "2"
    stack.declare(again=quota(3))
    stack.up(*target)
    assert pods_of_quota() == "3"


def test_destroy_leaves_nothing(stack: Stack) -> None:
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert stack.names() == {}
    assert kube.kubectl("get", "namespace", SPACE, expected=None).code != 0
