"""The rehearsals and the files that each depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TESTS = "testbed/e2e"

PLATFORM = (
    "Pulumi.dev.yaml",
    "__main__.py",
    "components/kubernetes",
    "components/mlflow",
    "components/scripts",
    "factories",
    "images",
    "settings/mirror.py",
    "settings/schema",
    "settings/profiles.py",
    "settings/types/service_accounts.py",
    "settings/types/quantities.py",
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
"""Inputs of every rehearsal: the code that creates components from settings, the MLflow server and its client, and the
embedded cluster.

Any other component is an input only of the rehearsals that test it; the acceptance tests cover all components.
The validation rules of the stack file and the policy pack are not included: they reject settings, but do not change
what is deployed.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """Tests that are run again only when one of their inputs has changed."""

    name: str
    shows: str
    """One-line description of what the tests check."""

    files: tuple[str, ...]
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

_DATABASE, _ARTIFACTS = "components/database", "components/artifacts"
_EXPOSURE, _LOGIN, _TEAM = "components/exposure", "components/login", "components/team"

_ALL = (
    Rehearsal(
        name="artifacts",
        shows="upload and download of 5 GiB artifacts, with bounded memory in every container",
        files=(_ARTIFACTS, _LOGIN, _EXPOSURE),
    ),
    Rehearsal(
        name="networks",
        shows="NetworkPolicies of every form allow exactly the connections that tools/reachability computes",
        files=("testbed/e2e/pods",),
    ),
    Rehearsal(
        name="pressure",
        shows="attacks on availability, a greedy team and a hanging API server stop nobody else",
        files=(_ARTIFACTS, _DATABASE, _EXPOSURE, _LOGIN, _TEAM, "benchmarks"),
    ),
    Rehearsal(
        name="logins",
        shows="browser sessions, passwords, strict mode, a one-team stack, programs' own service accounts, revocation",
        files=(
            _LOGIN,
            _EXPOSURE,
            _TEAM,
            "components/artifacts/volume_store.py",
            "components/database/sqlite.py",
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
        files=(_LOGIN, _EXPOSURE, _TEAM, "docs/gateway.md", "testbed/e2e/variants"),
    ),
    Rehearsal(
        name="aws",
        shows="the prod stack on an AWS test server that checks every request against IAM policies",
        files=(
            _ARTIFACTS,
            _DATABASE,
            _TEAM,
            "Pulumi.prod.yaml",
            "components/aws",
            "settings/types/amazon.py",
            "testbed/aws",
            "testbed/e2e/pods",
            "testbed/e2e/variants/basic.yaml",
        ),
    ),
    Rehearsal(
        name="backing_services",
        shows="an external PostgreSQL database, an external S3-compatible store, and storage on volumes",
        files=(
            _ARTIFACTS,
            _DATABASE,
            "components/exposure/certificate.py",
            "testbed/e2e/company",
            "testbed/e2e/attack",
        ),
    ),
    Rehearsal(
        name="isolation",
        shows="each layer that keeps teams apart stops attacks by itself, while the other layers are switched off",
        files=(_ARTIFACTS, _DATABASE, _LOGIN, _TEAM, "testbed/e2e/attack"),
    ),
    Rehearsal(
        name="availability",
        shows="no acknowledged data is lost and no request fails while pods are replaced, drained, killed or scaled",
        files=(_ARTIFACTS, _DATABASE, _EXPOSURE, _LOGIN, "benchmarks", "testbed/e2e/metrics-server.yaml"),
        images=True,
    ),
    Rehearsal(
        name="upgrade",
        shows="the upgrade from the previous MLflow release, with 10,000 runs, and the rollback",
        files=(_DATABASE, "docs/upgrade.md"),
        images=True,
    ),
    Rehearsal(
        name="teams",
        shows="a team is created, archived, deleted and restored next to fifty others",
        files=(_TEAM, "tools/purge", "tools/server"),
    ),
    Rehearsal(
        name="webhooks",
        shows="webhooks leave through their proxy only, to listed hosts with public addresses; a receiver that hangs",
        files=(_EXPOSURE, _LOGIN, _TEAM, "testbed/e2e/pods"),
        images=True,
    ),
    Rehearsal(
        name="provider",
        shows="what Pulumi's Kubernetes provider finds, replaces, waits for and reports; `up` continues after a kill",
        files=("tools/heal.py",),
    ),
    Rehearsal(
        name="life_cycle",
        shows="`make up` recovers from a kill and a stopped node; `make destroy` keeps volumes; a new `up` reuses them",
        files=("Makefile", "components", "docs/destroy.md", "tools"),
    ),
)

REHEARSALS: Mapping[str, Rehearsal] = MappingProxyType({one.name: one for one in _ALL})
"""All rehearsals by name, in the order in which they run: those that redeploy the platform come last."""
