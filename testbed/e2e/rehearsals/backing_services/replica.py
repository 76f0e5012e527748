"""A read replica of the company's PostgreSQL, in the embedded cluster. Test equipment."""

import json
from pathlib import Path

from components.exposure.certificate import self_signed
from testbed.e2e import company_services as company
from testbed.e2e import kube

HOST = f"replica.{company.DOMAIN}"
# Of the test's own servers.
PASSWORD = "replicator-of-the-test"  # noqa: S105
SPACE = f"--namespace={company.COMPANY}"
START_SECONDS = 120


def start() -> None:
    """Start the replica. The primary acknowledges a write only when the replica shows it."""
    company.ask_database(f"CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    rule = "hostssl replication replicator 0.0.0.0/0 scram-sha-256"
    kube.kubectl("exec", "postgres", SPACE, "--", "sh", "-c", f"echo '{rule}' >>/data/pg/pg_hba.conf")
    pair = self_signed(company.SEED, HOST, company.ISSUED)
    values = {"tls.crt": pair.certificate, "tls.key": pair.key, "password": PASSWORD}
    company.put_secret("replica", values, company.COMPANY)
    script = Path(__file__).with_name("replica.sh").read_text(encoding="utf-8")
    scripts = {"metadata": {"name": "replica", "namespace": company.COMPANY}, "data": {"replica.sh": script}}
    document = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", **scripts})
    kube.kubectl("apply", "--server-side", "--filename=-", stdin=document)
    company.ask_database("SELECT pg_reload_conf()")
    kube.kubectl("apply", f"--filename={Path(__file__).with_name('replica.yaml')}")
    kube.wait_for_pods(company.COMPANY, seconds=START_SECONDS)
    in_step(always=True)


def in_step(*, always: bool) -> None:
    """Set whether the primary acknowledges a write only when the replica shows it."""
    company.ask_database(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' if always else ''}'")
    company.ask_database(f"ALTER SYSTEM SET synchronous_commit = {'remote_apply' if always else 'on'}")
    company.ask_database("SELECT pg_reload_conf()")


def ask(statement: str) -> list[str]:
    """Run SQL as the replica's superuser; returns the rows as text."""
    psql = ("psql", "--host=/run/pg", "--username=postgres", "-AtX", "--dbname=mlflow", f"--command={statement}")
    return kube.kubectl("exec", "replica", SPACE, "--", *psql).stdout.splitlines()


def stop() -> None:
    """Remove the replica."""
    in_step(always=False)
    kube.kubectl("delete", "pod/replica", SPACE)
