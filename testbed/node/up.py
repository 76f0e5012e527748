"""From nothing, or from whatever an earlier run left, to a cluster that answers."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from testbed.build import Artifacts
from testbed.errors import EmbeddedError
from testbed.node import destroy, environment, health, images, kubeadm, kubeconfig, volumes
from testbed.node.door import API_DOOR_PORT, LOOPBACK, Door
from testbed.node.kubectl import Kubectl
from testbed.node.process import Node
from testbed.node.progress import Say, wait_until
from testbed.node.writing import PRIVATE, write_whole
from testbed.paths import CHECKOUT, Home
from testbed.versions import KUBERNETES

ADDONS = Path(__file__).parent.parent / "addons"
DEFINITIONS = ADDONS.parent / "definitions"
SERVER_SIDE = ("--server-side", "--force-conflicts", "--field-manager=mlflow-platform-embedded")
API_SECONDS = 120
READY_SECONDS = 240
KINDS_SECONDS = 60
GIBIBYTE = 1024**3
# Images unpacked, etcd, logs, and room for the first artifacts.
WANTED_DISK = 8 * GIBIBYTE


@dataclass(frozen=True)
class Cluster:
    """The embedded cluster of a home, made of some artifacts."""

    home: Home
    artifacts: Artifacts
    say: Say

    @property
    def node(self) -> Node:
        """The node's process."""
        return Node(self.home)

    @property
    def kubectl(self) -> Kubectl:
        """A kubectl for this cluster."""
        return Kubectl(self.artifacts.engine_bin / "kubectl", self.home.kubeconfig)

    @property
    def _made(self) -> Path:
        """Holds the Kubernetes version once kubeadm is through; without it, nothing of kubeadm's is trusted."""
        return self.home.node / "made"

    def up(self) -> None:
        """Start what does not run, make what is not there, and wait until it answers."""
        environment.prepare(self.home, CHECKOUT, self.artifacts.engine_bin)
        destroy.finish(self.home)
        Door(self.home).check()
        self._start_node()
        images.import_missing(self.node, self.artifacts.images, self.say)
        self._make()
        admin = (self.home.node / "kubernetes" / "admin.conf").read_text()
        text = kubeconfig.render(admin, f"https://{LOOPBACK}:{API_DOOR_PORT}")
        write_whole(self.home.kubeconfig, text, PRIVATE)
        Door(self.home).open(self.node.running(), self.say)
        wait_until("API server", self.kubectl.ready, seconds=API_SECONDS, say=self.say, log=self._control_plane_log)
        self._define_kinds()
        self.kubectl.run("apply", *SERVER_SIDE, f"-f={ADDONS}")
        known = volumes.volumes(self.kubectl.objects())
        volumes.top_up(self.kubectl, self.home.volumes, known)
        volumes.write_index(self.home.volumes, known)
        wait_until(
            "cluster", self._not_ready, seconds=READY_SECONDS, say=self.say, log=self.home.logs / "node" / "kubelet.log"
        )

    def _define_kinds(self) -> None:
        """Before anything of these kinds is applied, and before Traefik looks for them."""
        files = (f"-f={self.artifacts.definitions}", f"-f={DEFINITIONS}")
        self.kubectl.run("apply", *SERVER_SIDE, *files)
        established = ("--for=condition=Established", "--all", f"--timeout={KINDS_SECONDS}s")
        self.kubectl.run("wait", "customresourcedefinitions", *established)

    def _start_node(self) -> None:
        made = self._made.exists()
        if made and self._made.read_text() != KUBERNETES:
            raise EmbeddedError(
                f"the cluster in {self.home.node} was made by Kubernetes {self._made.read_text()}, and this checkout"
                f" brings {KUBERNETES}. Use the checkout it was made with, or `make destroy` (volumes are kept) and"
                " `make up`."
            )
        if self.node.record() is not None:
            if made:
                self._mention_other_rootfs()
                self.node.wait(self.say, failed=lambda: self.node.record() is None)
                return
            self.say("node: an earlier run was interrupted before the cluster was made; begins again")
            self.node.kill()
        Door(self.home).close()
        if not made:
            kubeadm.forget(self.home.node)
        self._check_disk()
        self.say("node: starts")
        self.node.start(self.artifacts.node_rootfs, self.say)
        (self.home.node / "rootfs").write_text(str(self.artifacts.node_rootfs))

    def _control_plane_log(self) -> Path:
        """Return what the API server or etcd said last: one of the two is why there is no answer."""
        logs = [
            *self.home.logs.glob("pods/kube-system_etcd-*/etcd/*.log"),
            *self.home.logs.glob("pods/kube-system_kube-apiserver-*/kube-apiserver/*.log"),
        ]
        return max(logs, key=lambda log: log.stat().st_mtime, default=self.home.logs / "node" / "kubelet.log")

    def _mention_other_rootfs(self) -> None:
        started_with = self.home.node / "rootfs"
        if started_with.exists() and started_with.read_text() != str(self.artifacts.node_rootfs):
            self.say("node: still runs an earlier build of its file system; `make down` and `make up` renew it")

    def _make(self) -> None:
        if self._made.exists():
            return
        self.say("kubeadm init")
        kubeadm.initialise(self.node, self.say)
        os.sync()
        write_whole(self._made, KUBERNETES)

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.home.root).free
        if free < WANTED_DISK:
            self.say(
                f"{self.home.root} has {free / GIBIBYTE:.1f} GiB free, the cluster wants {WANTED_DISK // GIBIBYTE}; set"
                " XDG_DATA_HOME to a larger disk if something fails"
            )

    def _not_ready(self) -> str | None:
        objects = self.kubectl.objects()
        node = health.node_trouble(objects)
        pods = health.pod_troubles(objects, self.node.started())
        # The platform's pods need not be ready here, but what the API server says of them must be of today.
        pods = [trouble for trouble in pods if trouble.own or trouble.why == health.NOT_RESTARTED]
        troubles = [*([node] if node else []), *health.addon_troubles(objects), *pods]
        return health.in_short(troubles)
