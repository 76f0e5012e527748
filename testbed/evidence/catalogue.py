"""The rehearsals and the files that each depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TESTS = "testbed/e2e"

PLATFORM = (
    "images",
    "testbed/__main__.py",
    "testbed/addons",
    "testbed/build",
    "testbed/definitions",
    "testbed/e2e/client",
    "testbed/e2e/conftest.py",
    "testbed/network_policies",
    "testbed/node",
    "testbed/providers",
    "testbed/versions.py",
    "tools/client",
    "uv.lock",
)
"""Inputs of every rehearsal: the MLflow server and its client, and the embedded cluster.

The Pulumi program is not included. What it deploys counts instead (`deployments.py`): a program that is written
differently, or has another rule or setting, deploys the same.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """Tests that are run again only when one of their inputs has changed."""

    name: str
    shows: str
    """One-line description of what the tests check."""

    files: tuple[str, ...] = ()
    """Inputs besides `PLATFORM`, the rehearsal's own tests and their imports: files and folders, relative to the
    checkout."""

    images: bool = False
    """True if the rehearsal deploys images that `make up` does not build."""

    @property
    def tests(self) -> str:
        """Folder of the rehearsal's tests."""
        return f"{TESTS}/rehearsals/{self.name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """All files and folders that the rehearsal depends on, except modules that its tests import."""
        return tuple(sorted({*PLATFORM, *self.files, self.tests}))


ACCEPTANCE = f"{TESTS}/acceptance"
"""Folder of the acceptance tests, which always run."""

_ALL = (
    Rehearsal(
        name="artifacts",
        shows="upload and download of 5 GiB artifacts, with bounded memory in every container",
    ),
    Rehearsal(
        name="networks",
        shows="NetworkPolicies of every form allow exactly the connections that tools/reachability computes",
        files=("testbed/e2e/pods",),
    ),
    Rehearsal(
        name="pressure",
        shows="attacks on availability, a greedy team and a hanging API server stop nobody else",
        files=("benchmarks",),
    ),
    Rehearsal(
        name="logins",
        shows="browser sessions, passwords, strict mode, a one-team stack, programs' own service accounts, revocation",
        files=(
            "docs/airflow.md",
            "docs/kubeflow.md",
            "docs/log-from-a-pod.md",
            "testbed/e2e/variants",
            "testbed/e2e/workloads",
            "tests/snippets.py",
        ),
    ),
    Rehearsal(
        name="exposure",
        shows="every documented way of exposing the platform accepts and refuses the same requests",
        files=("docs/gateway.md", "testbed/e2e/variants"),
    ),
    Rehearsal(
        name="console",
        shows="entries in the web consoles of Alauda AI and OpenShift, and the message without the kind ConsoleLink",
        files=("testbed/e2e/variants/console.yaml",),
    ),
    Rehearsal(
        name="aws",
        shows="the prod stack on an AWS test server that checks every request against IAM policies",
        files=(
            "Pulumi.prod.yaml",
            "testbed/aws",
            "testbed/e2e/pods",
            "testbed/e2e/variants/basic.yaml",
        ),
    ),
    Rehearsal(
        name="backing_services",
        shows="an external PostgreSQL database, an external S3-compatible store, and storage on volumes",
        files=(
            "testbed/e2e/company",
            "testbed/e2e/attack",
        ),
    ),
    Rehearsal(
        name="isolation",
        shows="each layer that keeps teams apart stops attacks by itself, while the other layers are switched off",
        files=("testbed/e2e/attack",),
    ),
    Rehearsal(
        name="availability",
        shows="no acknowledged data is lost and no request fails while pods are replaced, drained, killed or scaled",
        files=("benchmarks", "testbed/e2e/metrics-server.yaml"),
        images=True,
    ),
    Rehearsal(
        name="upgrade",
        shows="the upgrade from the previous MLflow release, with 10,000 runs, and the rollback",
        files=("docs/upgrade.md",),
        images=True,
    ),
    Rehearsal(
        name="teams",
        shows="a team is created, archived, deleted and restored next to fifty others",
        files=("tools/purge", "tools/server"),
    ),
    Rehearsal(
        name="webhooks",
        shows="webhooks leave through their proxy only, to listed hosts with public addresses; a receiver that hangs",
        files=("testbed/e2e/pods",),
        images=True,
    ),
    Rehearsal(
        name="doctor",
        shows="the doctor names each of 27 faults made on purpose, first and alone, and no healthy platform sick",
        files=("tools/doctor",),
    ),
    Rehearsal(
        name="rows",
        shows="another workspace label, a folder of a bucket, log-only accounts, a protected stack that comes back",
        files=("docs/destroy.md", "testbed/e2e/company", "testbed/e2e/variants/basic.yaml", "tools/destroy"),
    ),
    Rehearsal(
        name="provider",
        shows="what Pulumi's Kubernetes provider finds, replaces, waits for and reports; `up` continues after a kill",
        files=("tools/heal.py",),
    ),
    Rehearsal(
        name="gitops",
        shows="the files of `make render`, applied with kubectl, are the objects of `make up` and a working platform",
        files=("docs/destroy.md", "docs/gitops.md", "tools/destroy", "tools/render", "tools/render-secrets"),
    ),
    Rehearsal(
        name="life_cycle",
        shows="`make up` recovers from a kill and a stopped node; `make destroy` keeps volumes; a new `up` reuses them",
        files=("Makefile", "docs/destroy.md", "tools"),
    ),
)

REHEARSALS: Mapping[str, Rehearsal] = MappingProxyType({one.name: one for one in _ALL})
"""All rehearsals by name, in the order in which they run: those that redeploy the platform come last."""
