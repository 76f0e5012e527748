"""The rehearsals and the files that each depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TESTS = "testbed/e2e"

SERVER = "images"
"""The image of the MLflow server: an input of every rehearsal, unless its `server` is False."""

PLATFORM = (
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
"""Inputs of every rehearsal: the MLflow client, and the embedded cluster.

The Pulumi program is not included. What it deploys counts instead (`deployments.py`), because many changes of the
program do not change what a rehearsal deploys.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """Tests that are run again only when one of their inputs has changed."""

    name: str
    shows: str
    """One-line description of what the tests check."""

    files: tuple[str, ...] = ()
    """Inputs besides `PLATFORM`, the rehearsal's own tests and their imports: files and folders, relative to the
    checkout, and targets of the Makefile, such as `Makefile:render`."""

    server: bool = True
    """False if the tests need any working MLflow server, and no particular image: tests of networks, Pulumi or
    PostgreSQL. The acceptance tests, which always run, show that the server works.
    """

    images: bool = False
    """True if the rehearsal deploys images that `make up` does not build."""

    programs: tuple[str, ...] = ()
    """Folders of `testbed/programs/` whose images the rehearsal deploys."""

    @property
    def tests(self) -> str:
        """Folder of the rehearsal's tests."""
        return f"{TESTS}/rehearsals/{self.name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """All files and folders that the rehearsal depends on, except modules that its tests import."""
        programs = (f"testbed/programs/{name}" for name in self.programs)
        server = (SERVER,) if self.server else ()
        return tuple(sorted({*PLATFORM, *server, *self.files, *programs, self.tests}))


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
        server=False,
        files=("testbed/e2e/pods",),
    ),
    Rehearsal(
        name="pressure",
        shows="attacks on availability, a greedy team and a hanging API server do not affect other teams",
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
        name="keycloak",
        shows="login at a Keycloak, as sidecar and as ForwardAuth: groups, disabled users, sign-out, token rotation",
        server=False,
        files=("docs/keycloak.md",),
        programs=("keycloak", "valkey"),
    ),
    Rehearsal(
        name="identity_providers",
        shows="login at a provider with other scopes and claims, groups beyond ASCII, an unverified e-mail address",
        files=("testbed/e2e/rehearsals/keycloak",),
        programs=("keycloak",),
    ),
    Rehearsal(
        name="workloads",
        shows="JupyterHub, Airflow and a compiled pipeline log runs as documented; a team's access key for the store",
        server=False,
        files=(
            "docs/airflow.md",
            "docs/direct-access.md",
            "docs/jupyterhub.md",
            "docs/kubeflow.md",
            "docs/log-from-a-pod.md",
            "testbed/e2e/workloads",
            "tests/snippets.py",
        ),
        programs=("airflow", "jupyterhub", "notebook"),
    ),
    Rehearsal(
        name="exposure",
        shows="every documented way of exposing the platform accepts and refuses the same requests",
        files=("docs/gateway.md", "testbed/e2e/variants"),
    ),
    Rehearsal(
        name="console",
        shows="entries in the web consoles of Alauda AI and OpenShift, and the message without the kind ConsoleLink",
        server=False,
        files=("testbed/e2e/variants/console.yaml",),
    ),
    Rehearsal(
        name="monitoring",
        shows="a Prometheus reads the metrics, alerts fire with a fault and end with it, the dashboard has data",
        server=False,
        files=("docs/monitoring.md", "tools/monitoring.py"),
        programs=("alertmanager", "postgres-exporter", "prometheus"),
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
        name="backups",
        shows="a restore gives exactly the writes acknowledged until a given second; a store outage, retention, keys",
        server=False,
        files=("docs/backup.md", "tools/backups", "tools/kubectl.py"),
        programs=("postgres-backup",),
    ),
    Rehearsal(
        name="growth",
        shows="`make grow` enlarges the database's volume around its running pod; a refused StatefulSet is put back",
        server=False,
        files=("Pulumi.dev.yaml", "tools/growth", "tools/preview"),
    ),
    Rehearsal(
        name="undelete",
        shows="one team's rows return to their state at a given second, no others change; a proof finds faulty backups",
        files=(
            "docs/proof.md",
            "docs/undelete.md",
            "tools/backups",
            "tools/jobs.py",
            "tools/kubectl.py",
            "tools/restored",
        ),
        programs=("postgres-backup",),
    ),
    Rehearsal(
        name="moving_in",
        shows="an old MLflow on SQLite and one on PostgreSQL move in as their page says, also after a kill",
        files=("docs/moving-in.md", "tools/adopt"),
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
        name="placement",
        shows="every pod has the nodes and labels of the stack file; a team comes into an existing namespace, and goes",
        server=False,
    ),
    Rehearsal(
        name="webhooks",
        shows="webhooks leave through their proxy only, to listed hosts with public addresses; a receiver that hangs",
        files=("testbed/e2e/pods",),
        images=True,
    ),
    Rehearsal(
        name="doctor",
        shows="the doctor names each of 27 faults made on purpose, first and alone, and none in a healthy platform",
        files=("tools/doctor",),
    ),
    Rehearsal(
        name="preflight",
        shows="`make preflight` names each of 23 things that a cluster lacks, alone, and none in a complete cluster",
        server=False,
        files=(
            "Pulumi.dev.yaml",
            "tools/doctor/collect",
            "tools/doctor/expected.py",
            "tools/preflight",
            "tools/render",
            "tools/stack_file.py",
        ),
    ),
    Rehearsal(
        name="rows",
        shows="another workspace label, a folder of a bucket, log-only accounts, a protected stack that comes back",
        server=False,
        files=("docs/destroy.md", "testbed/e2e/company", "testbed/e2e/variants/basic.yaml", "tools/destroy"),
        programs=("postgres-backup",),
    ),
    Rehearsal(
        name="cluster_fits",
        shows="DNS that is allowed by addresses alone; a login whose identity provider only an HTTP proxy leads to",
        server=False,
    ),
    Rehearsal(
        name="retention",
        shows="data that was deleted long ago is removed for good with its files; old traces are archived or deleted",
        files=(
            "components/scripts/retention.py",
            "components/scripts/retention_stores.py",
            "tools/jobs.py",
            "tools/kubectl.py",
            "tools/retention.py",
        ),
    ),
    Rehearsal(
        name="rotation",
        shows="passwords, keys and session secrets are replaced while a client logs, and the old ones are refused",
    ),
    Rehearsal(
        name="external",
        shows="teams of a stack without a server use an external one; each fault ends `up` with one sentence",
        server=False,
        files=(
            "components/external",
            "components/scripts/check_connection.py",
            "components/scripts/client_version.py",
            "docs/external.md",
            "factories/external.py",
            "tests/snippets.py",
            "tools/external_smoke.py",
        ),
    ),
    Rehearsal(
        name="serving",
        shows="models served by alias: a switch under load, a broken version, two aliases with a share each",
        server=False,
        files=("docs/log-from-a-pod.md", "tests/snippets.py"),
        programs=("model-server",),
    ),
    Rehearsal(
        name="plans",
        shows="thirteen pull requests on the deployed stack: the reviewed plan and the exit code of each",
        server=False,
        files=("policy", "tools/plan", "tools/preview-pull-request"),
    ),
    Rehearsal(
        name="provider",
        shows="findings, replacements, waits and reports of Pulumi's Kubernetes provider; `up` continues after a kill",
        server=False,
        files=("tools/heal.py",),
    ),
    Rehearsal(
        name="gitops",
        shows="the files of `make render`, applied with kubectl, are the objects of `make up` and a working platform",
        server=False,
        files=("docs/destroy.md", "docs/gitops.md", "tools/destroy", "tools/render", "tools/render-secrets"),
    ),
    Rehearsal(
        name="argocd",
        shows="Argo CD deploys what `make render` has written, undoes changes by hand, and deletes nothing with data",
        server=False,
        files=(
            "Makefile:render",
            "Makefile:render-secrets",
            "Makefile:up",
            "Pulumi.dev.yaml",
            "Pulumi.prod.yaml",
            "docs/destroy.md",
            "docs/gitops.md",
            "tools/destroy",
            "tools/render",
            "tools/render-secrets",
        ),
        programs=("argocd", "valkey"),
    ),
    Rehearsal(
        name="delivery",
        shows="an approved plan is deployed, one that changed since is not; drift is reported with field and manager",
        server=False,
        files=(
            "Pulumi.dev.yaml",
            "tests/tools/github.py",
            "tools/delivery",
            "tools/deploy",
            "tools/drift",
            "tools/drifted",
            "tools/plan",
            "tools/preview-pull-request",
        ),
    ),
    Rehearsal(
        name="life_cycle",
        shows="`make up` recovers from a kill and a stopped node; `make destroy` keeps volumes; a new `up` reuses them",
        server=False,
        files=("Makefile", "docs/destroy.md", "tools"),
    ),
)

REHEARSALS: Mapping[str, Rehearsal] = MappingProxyType({one.name: one for one in _ALL})
"""All rehearsals by name, in the order in which they run: those that redeploy the platform come last."""
