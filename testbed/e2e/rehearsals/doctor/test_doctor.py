"""The doctor on the deployed platform: healthy, with each of many faults, with few rights, with a wrong host name."""

import base64
import contextlib
import datetime as dt
import json
import os
import ssl
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
import yaml

from components.exposure.certificate import self_signed
from testbed.e2e import faults, kube, variant
from testbed.e2e.commands import Finished, run, wait_for
from testbed.e2e.faults import SPACE, TEAM, Fault, added, deleted, in_database, patched, replaced, rolled, scaled_down
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object
from tools.stack import read_platform

DOCTOR = (sys.executable, "-m", "tools.doctor", "--stack=dev")
HEALTHY_RUNS = 10
# What the doctor promises; a machine that does other work as well is slower, and the figures show it.
MOST_SECONDS = 10
RUN_SECONDS = 90
SEEN_SECONDS = 60
HTTPS, ANSWER_SECONDS = 443, 5

IMAGE: Object = {"spec": {"containers": [{"name": "mlflow", "image": "localhost/nobody/none:1"}]}}
LITTLE = {"requests": {"memory": "32Mi"}, "limits": {"memory": "32Mi"}}
MEMORY: Object = {"spec": {"containers": [{"name": "mlflow", "resources": LITTLE}]}}
AGAIN: Object = {"metadata": {"annotations": {faults.ANNOTATION: "again"}}}
LABELS = "/metadata/labels/mlflow-enabled"
ENABLED = [{"op": "add", "path": LABELS, "value": "true"}]
GRANT = "GRANT SELECT ON {} TO mlflow_server"
AWAY = "ALTER TABLE {} RENAME TO {}"
END = "-----END CERTIFICATE-----\n"
REVOKE = "REVOKE SELECT ON {} FROM mlflow_server"


def served() -> bytes:
    """The certificate that the platform's address presents; empty while it does not answer."""
    url = urlsplit(read_platform().url)
    try:
        pem = ssl.get_server_certificate((url.hostname or "", url.port or HTTPS), timeout=ANSWER_SECONDS)
    except OSError:
        return b""
    return ssl.PEM_cert_to_DER_cert(pem)


def first(chain: str) -> bytes:
    """The first certificate of a file in PEM."""
    return ssl.PEM_cert_to_DER_cert(chain[: chain.index(END) + len(END)])


@contextlib.contextmanager
def expired() -> Generator[None]:
    """Replace the platform's certificate by an expired one, and wait until the ingress controller serves it."""
    secret = faults.named("secrets", "certificate-host")
    # Not what is served now: the ingress controller may not have taken up an Ingress of the test before yet.
    before = first(base64.b64decode(secret["data"]["tls.crt"]).decode())
    pair = self_signed(b"another", "mlflow.localhost", dt.date(2020, 1, 1))
    old = [{"op": "replace", "path": "/data", "value": secret["data"]}]
    text = {"tls.crt": pair.certificate, "tls.key": pair.key}
    new = [{"op": "remove", "path": "/data"}, {"op": "add", "path": "/stringData", "value": text}]
    with patched("secrets", "certificate-host", new, old):
        wait_for("the expired certificate", lambda: served() == first(pair.certificate), seconds=SEEN_SECONDS)
        yield
    wait_for("the certificate from before", lambda: served() == before, seconds=SEEN_SECONDS)


FAULTS = [
    Fault(name="RoleBinding of people", chapter="role binding", cause="missing",
          subject=f"RoleBinding {TEAM}/mlflow-manager", make=lambda: deleted("rolebindings", "mlflow-manager", TEAM)),
    Fault(name="RoleBinding of programs", chapter="role binding", cause="missing",
          subject=f"RoleBinding {TEAM}/mlflow-integration",
          make=lambda: deleted("rolebindings", "mlflow-integration", TEAM)),
    Fault(name="rights of a role", chapter="role binding", cause="changed", subject=f"Role {TEAM}/mlflow-manager",
          make=replaced("roles", "mlflow-manager", "/rules/0/verbs",
                        (["get"], ["get", "list", "create", "update", "delete"]), TEAM)),
    Fault(name="the server's right to ask", chapter="role binding", cause="missing",
          subject="ClusterRoleBinding mlflow-binding",
          make=lambda: deleted("clusterrolebindings", "mlflow-binding", "")),
    Fault(name="label of a workspace", chapter="workspace label", cause="label", subject=f"Namespace {TEAM}",
          make=lambda: patched("namespaces", TEAM, [{"op": "remove", "path": LABELS}], ENABLED, "")),
    Fault(name="list of a team's names", chapter="configuration", cause="missing",
          subject=f"ConfigMap {SPACE}/team-a-identities", make=lambda: deleted("configmaps", "team-a-identities")),
    Fault(name="Secret of the database", chapter="configuration", cause="missing",
          subject=f"Secret {SPACE}/postgres-client-credential",
          make=lambda: deleted("secrets", "postgres-client-credential")),
    Fault(name="NetworkPolicy of the server", chapter="network policy", cause="missing",
          subject=f"NetworkPolicy {SPACE}/mlflow-network", make=lambda: deleted("networkpolicies", "mlflow-network")),
    Fault(name="NetworkPolicy that opens more", chapter="network policy", cause="changed",
          subject=f"NetworkPolicy {SPACE}/postgres-network",
          make=lambda: patched("networkpolicies", "postgres-network",
                               [{"op": "add", "path": "/spec/ingress/-", "value": {}}],
                               [{"op": "remove", "path": "/spec/ingress/1"}])),
    Fault(name="NetworkPolicy of others", chapter="connections", cause="blocked", subject="NetworkPolicies of traefik",
          make=lambda: added(faults.closed("traefik"))),
    Fault(name="Service that leads elsewhere", chapter="service", cause="changed", subject=f"Service {SPACE}/mlflow",
          make=replaced("services", "mlflow", "/spec/selector/app.kubernetes.io~1name", ("dex", "mlflow"))),
    Fault(name="Ingress", chapter="ingress", cause="missing", subject=f"Ingress {SPACE}/mlflow",
          make=lambda: deleted("ingresses", "mlflow")),
    Fault(name="expired certificate", chapter="certificate", cause="expired", subject="certificate of mlflow.localhost",
          make=expired),
    Fault(name="DNS of the cluster", chapter="cluster DNS", cause="dns", subject="cluster DNS",
          make=lambda: scaled_down("deployment", "coredns", "kube-system", label="k8s-app=kube-dns")),
    Fault(name="ingress controller", chapter="ingress controller", cause="missing", subject="pods of namespace traefik",
          make=lambda: scaled_down("deployment", "traefik", "traefik")),
    Fault(name="identity provider", chapter="identity provider server", cause="scaled-to-zero",
          subject=f"Deployment {SPACE}/dex", make=lambda: scaled_down("deployment", "dex")),
    Fault(name="PostgreSQL", chapter="database server", cause="scaled-to-zero", subject=f"StatefulSet {SPACE}/postgres",
          make=lambda: scaled_down("statefulset", "postgres")),
    Fault(name="S3 store", chapter="artifact store server", cause="scaled-to-zero",
          subject=f"StatefulSet {SPACE}/object-store", make=lambda: scaled_down("statefulset", "object-store")),
    Fault(name="password of the database", chapter="database", cause="credentials", subject="database postgres:5432",
          make=faults.password_changed),
    Fault(name="connections of the database", chapter="database", cause="connections", subject="database postgres:5432",
          make=lambda: in_database("ALTER ROLE mlflow_server CONNECTION LIMIT 0",
                                   f"ALTER ROLE mlflow_server CONNECTION LIMIT {_connection_limit()}")),
    Fault(name="privileges in the database", chapter="database", cause="grants", subject="database postgres:5432",
          make=lambda: in_database(REVOKE.format("trace_info"), GRANT.format("trace_info"))),
    Fault(name="schema", chapter="schema", cause="newer", subject="schema of database postgres:5432",
          make=faults.schema_newer),
    Fault(name="registry", chapter="registry", cause="500", subject=f"registry in workspace {TEAM}",
          make=lambda: in_database(AWAY.format("registered_model_tags", "away"),
                                   AWAY.format("away", "registered_model_tags"))),
    Fault(name="image", chapter="server", cause="image", subject=f"Pod {SPACE}/mlflow-",
          make=lambda: rolled(IMAGE, "ImagePull")),
    Fault(name="memory", chapter="server", cause="memory", subject=f"Pod {SPACE}/mlflow-",
          make=lambda: rolled(MEMORY, "OOMKilled")),
    Fault(name="quota of the platform", chapter="server", cause="quota", subject=f"Deployment {SPACE}/mlflow",
          make=lambda: rolled(AGAIN, "exceeded quota", before=faults.quota(SPACE, {"pods": "1"}))),
    Fault(name="quota of a team", chapter="team quota", cause="quota", subject=f"Job {TEAM}/doctor-test",
          make=faults.greedy_job),
]  # fmt: skip


def _connection_limit() -> str:
    return faults.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'mlflow_server'")


def doctor(*options: str, expected: int | None, env: dict[str, str] | None = None) -> tuple[Object, Finished]:
    """Run the doctor; returns its JSON."""
    done = run(*DOCTOR, "--json", *options, seconds=RUN_SECONDS, expected=expected, env=env)
    return json.loads(done.stdout), done


@pytest.fixture(scope="module", autouse=True)
def as_committed() -> Iterator[None]:
    """Undo whatever a test has left."""
    yield
    variant.restore()


def healthy() -> bool:
    return doctor(expected=None)[0]["result"] == "healthy"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named_first_and_alone(fault: Fault, figures: Figures) -> None:
    with fault.make():
        found, done = doctor(expected=None)
    assert found["result"] == "fault", found
    named = found["fault"]
    said = (named["chapter"], named["cause"], named["subject"][: len(fault.subject)])
    assert said == (fault.chapter, fault.cause, fault.subject), named
    assert done.code == 1
    figures.add(f"doctor: {fault.name}", done.seconds)


@contextlib.contextmanager
def host_names(content: str, folder: Path) -> Generator[tuple[str, ...]]:
    """A command that runs another command with its own /etc/hosts."""
    file = folder / "hosts"
    file.write_text(content, encoding="utf-8")
    yield ("unshare", "--mount", "sh", "-c", f'mount --bind {file} /etc/hosts && exec "$@"', "sh")


@pytest.mark.parametrize(
    ("hosts", "chapter", "cause"),
    [("127.0.0.1 localhost\n", "host name", "dns"), ("127.0.0.9 mlflow.localhost\n", "address", "refused")],
)
def test_a_wrong_host_name_is_named(tmp_path: Path, hosts: str, chapter: str, cause: str) -> None:
    with host_names(hosts, tmp_path) as inside:
        done = run(*inside, *DOCTOR, "--json", seconds=RUN_SECONDS, expected=1)
    named = json.loads(done.stdout)["fault"]
    assert (named["chapter"], named["cause"]) == (chapter, cause), named


def test_a_client_that_is_too_old_is_named() -> None:
    found, _ = doctor("--client=2.9.0", expected=1)
    assert (found["fault"]["chapter"], found["fault"]["subject"]) == ("versions", "MLflow client 2.9.0")


def test_who_may_see_little_is_told_what_was_not_seen_and_nothing_wrong(tmp_path: Path) -> None:
    token = kube.token(TEAM, "mlflow-client")
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    found, _ = doctor(expected=2, env={"KUBECONFIG": str(file)})
    needs = {one["needs"] for one in found["unseen"]}
    assert (found["result"], found["fault"]) == ("unseen", None)
    assert f"the right to list pods in namespace {SPACE}" in needs
    assert f"the right to create serviceaccounts/mlflow-client/token in namespace {TEAM}" in needs


def test_a_healthy_platform_is_called_healthy_every_time_and_soon(figures: Figures) -> None:
    wait_for("a healthy platform", healthy, seconds=SEEN_SECONDS)
    runs = [doctor(expected=0) for _ in range(HEALTHY_RUNS)]
    assert [found["result"] for found, _ in runs] == ["healthy"] * HEALTHY_RUNS
    seconds = sorted(done.seconds for _, done in runs)
    figures.add("doctor: healthy", f"{seconds[0]:.1f}-{seconds[-1]:.1f} s, {HEALTHY_RUNS} runs without a false alarm")
    assert median(seconds) < MOST_SECONDS
