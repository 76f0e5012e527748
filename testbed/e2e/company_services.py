"""A company's existing PostgreSQL, S3-compatible store and secrets operator, in the embedded cluster.

Test equipment. Like External Secrets Operator, the operator fills a Secret for each ExternalSecret of the platform
from a store, and reports success or failure in the object's status.
"""

import base64
import datetime as dt
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e.kube import Object, kubectl, objects, wait_for_pods

FOLDER = Path(__file__).with_name("company")
COMPANY, PLATFORM = "company", "mlflow"
DOMAIN = "company.svc.cluster.local"
SEED = b"an authority of the company's own"
AUTHORITY = authority_certificate(SEED, DOMAIN)
STRANGER = authority_certificate(b"somebody else", DOMAIN)
ISSUED = dt.date(2026, 11, 1)
DATABASE_HOST = f"postgres.{DOMAIN}"
STORE_URL = f"https://s3.{DOMAIN}:8333"
BUCKET = "artifacts"
ADMINISTRATOR = "it-admin"
# All special characters of URIs, connection strings, SQL and shells, and one outside of ASCII.
HOSTILE = "@:/?#%&+ \"'\\ü"
ADMINISTRATORS_PASSWORD = '$(id) \'; DROP ROLE "it-admin"; -- \\'  # noqa: S105 - of the test's own server
KEY_ID, KEY = "AKIACOMPANY", "store+key/with=signs"
VAULT = {
    "mlflow/database": {"password": ADMINISTRATORS_PASSWORD},
    "mlflow/bucket": {"id": KEY_ID, "key": KEY},
}


@contextmanager
def services() -> Generator[None]:
    """Run the company's services and its operator for the duration of the block."""
    # Left by a run that was killed.
    _remove()
    _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": COMPANY}})
    kubectl("apply", f"--filename={FOLDER / 'external-secrets.yaml'}")
    _start()
    stop = threading.Event()
    operator = threading.Thread(target=_operate, args=(stop,), daemon=True)
    operator.start()
    try:
        wait_for_pods(COMPANY, seconds=90)
        _in("s3", "sh", "-c", f'echo "s3.bucket.create -name {BUCKET}" | weed shell -master=127.0.0.1:9333')
        yield
    finally:
        stop.set()
        operator.join()
        _remove()


def put_secret(name: str, values: Mapping[str, str], namespace: str = PLATFORM) -> None:
    """Make or change a Secret."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    _apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data})


def ask_database(statement: str) -> list[str]:
    """Run SQL as the superuser; returns the rows as text."""
    said = _in("postgres", "psql", "--host=/run/pg", "--username=postgres", "-AtX", f"--command={statement}")
    return said.splitlines()


def database_log() -> str:
    """The server's log, with all statements."""
    return kubectl("logs", "postgres", f"--namespace={COMPANY}").stdout


def stored(folder: str) -> str:
    """List a folder of the bucket."""
    line = f'echo "fs.ls /buckets/{BUCKET}/{folder}" | weed shell -master=127.0.0.1:9333'
    return _in("s3", "sh", "-c", line)


def _start() -> None:
    _apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "postgres", "namespace": COMPANY},
            "data": {"postgres.sh": (FOLDER / "postgres.sh").read_text(encoding="utf-8")},
        }
    )
    identity = {"name": "mlflow", "credentials": [{"accessKey": KEY_ID, "secretKey": KEY}]}
    actions = [f"{action}:{BUCKET}" for action in ("Read", "Write", "List", "Tagging")]
    for name, more in {
        "postgres": {"administrator": ADMINISTRATORS_PASSWORD},
        "s3": {"s3.json": json.dumps({"identities": [{**identity, "actions": actions}]})},
    }.items():
        pair = self_signed(SEED, f"{name}.{DOMAIN}", ISSUED)
        put_secret(name, {"tls.crt": pair.certificate, "tls.key": pair.key, **more}, COMPANY)
    kubectl("apply", f"--filename={FOLDER / 'objects.yaml'}")


def _remove() -> None:
    kubectl("delete", "crd", "externalsecrets.external-secrets.io", "--ignore-not-found")
    kubectl("delete", "namespace", COMPANY, "--ignore-not-found", seconds=120)


def _apply(document: Object) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))


def _in(pod: str, *command: str) -> str:
    return kubectl("exec", pod, f"--namespace={COMPANY}", "--", *command).stdout


def _operate(stop: threading.Event) -> None:
    while not stop.wait(1):
        for wanted in objects("externalsecrets.external-secrets.io", "--all-namespaces"):
            _fill(wanted)


def _fill(wanted: Object) -> None:
    metadata, missing, values = wanted["metadata"], list[str](), dict[str, str]()
    for entry in wanted["spec"]["data"]:
        reference = entry["remoteRef"]
        found = VAULT.get(reference["key"], {}).get(reference.get("property", ""))
        if found is None:
            missing.append(f"{reference['key']} {reference.get('property', '')}")
        else:
            values[entry["secretKey"]] = found
    if not missing:
        put_secret(wanted["spec"].get("target", {}).get("name") or metadata["name"], values, metadata["namespace"])
    condition = {
        "type": "Ready",
        "status": "False" if missing else "True",
        "reason": "SecretSyncedError" if missing else "SecretSynced",
        "message": f"not in the store: {', '.join(missing)}" if missing else "secret synced",
    }
    kubectl(
        "patch",
        "externalsecrets.external-secrets.io",
        metadata["name"],
        f"--namespace={metadata['namespace']}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': {'conditions': [condition]}})}",
        expected=None,
    )
