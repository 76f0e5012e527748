"""Job script that migrates as migrate.py does, but changes a schema only if a backup was proven within the last day.

The CronJob of the proofs says when one last succeeded. A proof that fails does not change that: it gets older.
"""

import json
import os
import ssl
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import migrate
import mlflow
import postgresql
import revisions

# A proof each night, and an hour for the difference between two nights.
HOURS = 26
# Beside the exit codes of migrate.py.
UNPROVEN = 21
FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# Until the NetworkPolicies of a new pod are in force.
TRIES = 6
PAUSE_SECONDS = 5
REQUEST_SECONDS = 10


class UnknownError(Exception):
    """The API server does not say when a backup was last proven; the message says why."""


def main():
    engine = postgresql.connect(os.environ["MLFLOW_BACKEND_STORE_URI"], os.environ.get("HOSTNAME", "?"))
    migrate.wait_until_it_answers(engine)
    before = revisions.in_database(engine)
    engine.dispose()
    # Of a newer schema migrate.py says more.
    if before is not None and before != revisions.head() and revisions.known(before):
        change = f"MLflow {mlflow.__version__} changes the schema of the database, which only a backup takes back"
        try:
            found = fault(last_proof(), datetime.now(UTC))
        except UnknownError as error:
            found = f"it is unknown when a backup was last proven: {error}. Mend that, and run `up` again"
        if found:
            migrate.finish(
                UNPROVEN,
                f"nothing was changed: {change}, and {found}. With server.migration.requireBackup: false it migrates"
                " without a proof (docs/proven-upgrade.md).",
            )
    migrate.main()


def fault(last, now):
    """Fault of a last proof of this time, with the remedy; None if there is none."""
    if last is not None and now - last <= timedelta(hours=HOURS):
        return None
    found = "no backup was proven yet" if last is None else f"the last one was proven at {last:%Y-%m-%d %H:%M} UTC"
    return f"{found}; expected a proof of the last {HOURS} hours. Run `make prove`, then `up` again"


def last_proof():
    """When a proof last succeeded; None if none has.

    Raises:
        UnknownError: the API server does not answer, or refuses.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            text = cron_job().get("status", {}).get("lastSuccessfulTime")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            trouble, passing = f"answers {error.code}", error.code == 429 or error.code >= 500
        except OSError as error:
            trouble, passing = f"does not answer: {error}", True
        else:
            return datetime.fromisoformat(text) if text else None
        if not (passing and tries_left):
            raise UnknownError(f"the API server {trouble}")
        time.sleep(PAUSE_SECONDS)


def cron_job():
    """The CronJob of the proofs."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    namespace = (FILES / "namespace").read_text()
    request = urllib.request.Request(
        f"https://{address}/apis/batch/v1/namespaces/{namespace}/cronjobs/{os.environ['PROOF_CRON_JOB']}",
        headers={"Authorization": f"Bearer {(FILES / 'token').read_text()}"},
    )
    context = ssl.create_default_context(cafile=str(FILES / "ca.crt"))
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS, context=context) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
