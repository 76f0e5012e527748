"""The rehearsals and the files that each depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TESTS = "testbed/e2e"

PLATFORM = (
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "__main__.py",
    "components/kubernetes",
    "components/mlflow",
    "components/scripts",
    "factories",
    "images",
    "settings.py",
    "stackfile/mirror.py",
    "stackfile/model",
    "stackfile/profiles.py",
    "stackfile/programs.py",
    "stackfile/quantities.py",
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
"""Inputs of every rehearsal: how settings become components, the server, its client, and the embedded cluster.

The other components are inputs of the rehearsals that show what they do; acceptance tests see all of them each time.
Rules of the stack file and policies are not included: they reject settings, and change nothing that is deployed.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """Tests that are run again only when one of their inputs has changed."""

    name: str
    shows: str
    """Description in one line."""

    files: tuple[str, ...]
    """Inputs besides `PLATFORM`, its own tests and their imports: files and folders, relative to the checkout."""

    images: bool = False
    """True if it deploys images that `make up` does not build."""

    @property
    def tests(self) -> str:
        """Folder of its tests."""
        return f"{TESTS}/rehearsals/{self.name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Files and folders it depends on, besides the imports of its tests."""
        return tuple(sorted({*PLATFORM, *self.files, self.tests}))


ACCEPTANCE = f"{TESTS}/acceptance"
"""Folder of the tests that always run."""

_DATABASE, _ARTIFACTS = "components/database", "components/artifacts"
_EXPOSURE, _LOGIN, _TEAM = "components/exposure", "components/login", "components/team"

_ALL = (
    Rehearsal(
        name="artifacts",
        shows="artifacts of 5 GiB pass every container in bounded memory",
        files=(_ARTIFACTS, _LOGIN, _EXPOSURE),
    ),
    Rehearsal(
        name="networks",
        shows="every feature of a NetworkPolicy is enforced as the reachability tool computes it",
        files=("testbed/e2e/pods",),
    ),
    Rehearsal(
        name="logins",
        shows="sessions, passwords, strict review, one team, other service accounts, and how fast access is revoked",
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
        shows="every documented way of exposing the platform works and refuses alike",
        files=(_LOGIN, _EXPOSURE, "docs/gateway.md", "testbed/e2e/variants"),
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
            "stackfile/amazon.py",
            "stackfile/rds.py",
            "testbed/aws",
            "testbed/e2e/pods",
            "testbed/e2e/variants/basic.yaml",
        ),
    ),
    Rehearsal(
        name="backing_services",
        shows="PostgreSQL and an S3-compatible store that the platform does not run, and volumes",
        files=(
            _ARTIFACTS,
            _DATABASE,
            "components/exposure/certificate.py",
            "testbed/e2e/company",
            "testbed/e2e/attack",
        ),
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
        name="provider",
        shows="discovery, replacement, waiting and errors of the Kubernetes provider, and resuming an interrupted `up`",
        files=("tools/heal.py",),
    ),
    Rehearsal(
        name="life_cycle",
        shows="`make up` killed at any point, the node stopped, destroy, and restoring from kept volumes",
        files=("Makefile", "components", "docs/destroy.md", "tools"),
    ),
)

REHEARSALS: Mapping[str, Rehearsal] = MappingProxyType({one.name: one for one in _ALL})
"""All rehearsals by name, in the order in which they run: those that redeploy the platform come last."""
