"""Start of the cluster, from nothing or from any state that an earlier run left."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from testbed.build import Artifacts
from testbed.errors import EmbeddedError
from testbed.node import destroy, environment, health, images, kubeadm, kubeconfig, volumes
from testbed.node.kubectl import Kubectl
from testbed.node.port_forward import API_PORT_ON_MACHINE, LOOPBACK, PortForward
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
# For unpacked images, etcd, logs and the first artifacts.
WANTED_DISK = 8 * GIBIBYTE


@dataclass(frozen=True)
class Cluster:
    """The embedded cluster that keeps its state in `home`, with the programs and images in `artifacts`."""

    home: Home
    artifacts: Artifacts
    say: Say

    @property
    def node(self) -> Node:
        """The node's process."""
        return Node(self.home)

    @property
    def kubectl(self) -> Kubectl:
        """Kubectl for this cluster."""
        return Kubectl(self.artifacts.engine_bin / "kubectl", self.home.kubeconfig)

    @property
    def _made(self) -> Path:
        """File with the Kubernetes version, written when kubeadm has succeeded."""
        return self.home.node / "made"

    def up(self) -> None:
        """Create and start whatever is missing, and wait until the cluster is ready."""
        environment.prepare(self.home, CHECKOUT, self.artifacts.engine_bin)
        destroy.finish(self.home)
        PortForward(self.home).check()
        self._start_node()
        imported = images.import_missing(self.node, self.artifacts.images, self.say)
        self._make()
        admin = (self.home.node / "kubernetes" / "admin.conf").read_text()
        text = kubeconfig.render(admin, f"https://{LOOPBACK}:{API_PORT_ON_MACHINE}")
        write_whole(self.home.kubeconfig, text, PRIVATE)
        PortForward(self.home).open(self.node.running(), self.say)
        wait_until("API server", self.kubectl.ready, seconds=API_SECONDS, say=self.say, log=self._control_plane_log)
        self._define_kinds()
        self.kubectl.run("apply", *SERVER_SIDE, f"-f={ADDONS}")
        self._replace_outdated(imported)
        known = volumes.volumes(self.kubectl.objects())
        volumes.top_up(self.kubectl, self.home.volumes, known)
        volumes.write_index(self.home.volumes, known)
        wait_until(
            "cluster", self._not_ready, seconds=READY_SECONDS, say=self.say, log=self.home.logs / "node" / "kubelet.log"
        )

    def _define_kinds(self) -> None:
        """Apply the CustomResourceDefinitions and wait until they are established.

        Objects of these types are applied later, and so is Traefik, which looks for the types.
        """
        files = (f"-f={self.artifacts.definitions}", f"-f={DEFINITIONS}")
        self.kubectl.run("apply", *SERVER_SIDE, *files)
        established = ("--for=condition=Established", "--all", f"--timeout={KINDS_SECONDS}s")
        self.kubectl.run("wait", "customresourcedefinitions", *established)

    def _replace_outdated(self, imported: set[str]) -> None:
        """Delete the pods that still run an image that has been imported anew; their controllers create new ones."""
        for namespace, name in images.outdated(self.kubectl.objects(), imported) if imported else ():
            self.say(f"pod {namespace}/{name}: replacing it, because its image has changed")
            self.kubectl.run("delete", "pod", name, f"--namespace={namespace}", "--wait=false", "--ignore-not-found")

    def _start_node(self) -> None:
        made = self._made.exists()
        if made and self._made.read_text() != KUBERNETES:
            raise EmbeddedError(
                f"the cluster in {self.home.node} runs Kubernetes {self._made.read_text()}, but this checkout needs"
                f" {KUBERNETES}. Use the checkout that created it, or create a new cluster by `make destroy` (which"
                " keeps the volumes) and `make up`."
            )
        if self.node.record() is not None:
            if made:
                self._mention_other_rootfs()
                self.node.wait(self.say, failed=lambda: self.node.record() is None)
                return
            self.say("node: an earlier run was interrupted before the cluster was created; starting over")
            self.node.kill()
        PortForward(self.home).close()
        if not made:
            kubeadm.forget(self.home.node)
        self._check_disk()
        self.say("node: starting")
        # Written before the node starts, because an interrupted start may leave a node with this root file system.
        self.home.node.mkdir(parents=True, exist_ok=True)
        (self.home.node / "rootfs").write_text(str(self.artifacts.node_rootfs))
        self.node.start(self.artifacts.node_rootfs, self.say)

    def _control_plane_log(self) -> Path:
        """Return the newest log file of etcd or the API server, to show why the API server does not answer."""
        logs = [
            *self.home.logs.glob("pods/kube-system_etcd-*/etcd/*.log"),
            *self.home.logs.glob("pods/kube-system_kube-apiserver-*/kube-apiserver/*.log"),
        ]
        return max(logs, key=lambda log: log.stat().st_mtime, default=self.home.logs / "node" / "kubelet.log")

    def _mention_other_rootfs(self) -> None:
        started_with = self.home.node / "rootfs"
        if started_with.exists() and started_with.read_text() != str(self.artifacts.node_rootfs):
            self.say("node: running with an older root file system; to update it, run `make down` and `make up`")

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
                f"warning: {free / GIBIBYTE:.1f} GiB are free in {self.home.root}, but the cluster needs about"
                f" {WANTED_DISK // GIBIBYTE} GiB. If it fails, set XDG_DATA_HOME to a directory on a larger disk"
            )

    def _not_ready(self) -> str | None:
        objects = self.kubectl.objects()
        node = health.node_problem(objects)
        pods = health.pod_problems(objects, self.node.started())
        # The platform's pods need not be ready yet, but their status must be newer than the node's start.
        pods = [problem for problem in pods if problem.own or problem.why == health.NOT_RESTARTED]
        problems = [*([node] if node else []), *health.addon_problems(objects), *pods]
        return health.in_short(problems)
