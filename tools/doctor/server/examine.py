"""Look at database, artifact store, names, issuers and connections; runs in the server's pod as `python3 - QUESTIONS`.

QUESTIONS is a JSON object: `issuers` (URLs), `authority` (PEM or null) and `targets` (addresses that the pod must not
reach). Prints one JSON object. It reads only, imports no MLflow (which takes seconds), and prints no secret: the
passwords are in environment variables, which the clients of database and store read themselves.
"""

import argparse
import json
import os
import re
import socket
import ssl
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 8
# A connection that is denied is never answered.
DENIED_SECONDS = 1.5
SERVICE_ACCOUNT_AUTHORITY = Path("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
TABLES = ("experiments", "runs", "registered_models", "model_versions", "registered_model_aliases")
# Of some tables, such as MLflow's own list of workspaces, the server's role has no rights on purpose.
UNREADABLE = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
AND (relname = ANY(%s) OR has_table_privilege(oid, 'INSERT')) AND NOT has_table_privilege(oid, 'SELECT')
ORDER BY relname LIMIT 1
"""
ERROR_CHARACTERS = 400


def server_options():
    """Backend store and artifact destination of the server, from the command line of the container's first process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend-store-uri", default=os.environ.get("MLFLOW_BACKEND_STORE_URI", ""))
    parser.add_argument("--artifacts-destination", default=os.environ.get("MLFLOW_ARTIFACTS_DESTINATION", ""))
    known, _ = parser.parse_known_args(Path("/proc/1/cmdline").read_text().split("\0"))
    return known


def said(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:ERROR_CHARACTERS]


def revisions():
    """The newest revision of the schema, and all that this MLflow knows, from its files."""
    folder = Path(find_spec("mlflow").origin).parent / "store" / "db_migrations" / "versions"
    known, older = set(), set()
    for file in folder.glob("*.py"):
        text = file.read_text()
        known |= set(re.findall(r'^revision(?:: str)? = ["\'](\w+)["\']', text, re.MULTILINE))
        older |= {one for line in re.findall(r"^down_revision.*= (.*)$", text, re.MULTILINE) for one in re.findall(r"\w{6,}", line)}
    heads = known - older
    return (heads.pop() if len(heads) == 1 else None), sorted(known)


def database(uri):
    address = urlsplit(uri)
    head, known = revisions()
    if uri.startswith("sqlite:"):
        import sqlite3

        file = uri.partition("///")[2]
        result = {"where": file, "head": head}
        try:
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=SECONDS) as connection:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.Error as error:
            return result | {"error": said(error)}
    else:
        import psycopg

        result = {"where": f"{address.hostname}:{address.port or 5432}{address.path} as {address.username}", "head": head}
        try:
            with psycopg.connect("postgresql" + uri[uri.index(":") :], connect_timeout=SECONDS) as connection:
                unreadable = connection.execute(UNREADABLE, [list(TABLES)]).fetchone()
                if unreadable:
                    return result | {"error": f"permission denied for table {unreadable[0]}"}
                exists = connection.execute("SELECT to_regclass('alembic_version')").fetchone()[0]
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if exists else None
        except psycopg.Error as error:
            return result | {"error": said(error)}
    revision = row[0] if row else None
    return result | {"revision": revision} | ({} if revision in known else {"known": known})


def artifact_store(uri):
    address = urlsplit(uri)
    if address.scheme not in {"s3", "s3-proxied"}:
        folder = Path(address.path or uri)
        fault = None if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "Permission denied: or the folder does not exist"
        return {"where": str(folder)} | ({"error": fault} if fault else {})
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL")
    config = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1})
    result = {"where": f"{endpoint or 'AWS'}, bucket {address.netloc}"}
    try:
        client = boto3.client("s3", endpoint_url=endpoint, config=config)
        prefix = address.path.strip("/")
        client.list_objects_v2(Bucket=address.netloc, Prefix=f"{prefix}/" if prefix else "", MaxKeys=1)
    except (BotoCoreError, ClientError) as error:
        return result | {"error": said(error)}
    return result


def cluster_name():
    try:
        return {"addresses": len(socket.getaddrinfo("kubernetes.default.svc", 443, type=socket.SOCK_STREAM))}
    except OSError as error:
        return {"error": said(error)}


def issuer(url, trust):
    """Configuration and keys of an issuer, without any credential."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/.well-known/openid-configuration", timeout=SECONDS, context=trust) as answer:
            configuration = json.load(answer)
        with urllib.request.urlopen(configuration["jwks_uri"], timeout=SECONDS, context=trust) as answer:
            keys = json.load(answer).get("keys", [])
    except (OSError, ValueError, KeyError) as error:
        return {"url": url, "error": said(error)}
    return {"url": url, "issuer": configuration.get("issuer", ""), "keys": len(keys)}


def connection(target):
    try:
        socket.create_connection((target["address"], target["port"]), timeout=DENIED_SECONDS).close()
    except OSError:
        return {**target, "open": False}
    return {**target, "open": True}


def main():
    # Without an answer of a name server, a name of a cluster otherwise takes 20 s: 5 s, twice, for each search domain.
    os.environ["RES_OPTIONS"] = "timeout:1 attempts:2"
    questions, options = json.loads(sys.argv[1]), server_options()
    trust = ssl.create_default_context(cadata=questions["authority"])
    # The process that runs this has an authority of its own choice only for the database and the store.
    trust.load_default_certs()
    if SERVICE_ACCOUNT_AUTHORITY.exists():
        trust.load_verify_locations(SERVICE_ACCOUNT_AUTHORITY)
    with ThreadPoolExecutor(8) as pool:
        answers = {
            "database": pool.submit(database, options.backend_store_uri),
            "artifact_store": pool.submit(artifact_store, options.artifacts_destination),
            "cluster_name": pool.submit(cluster_name),
        }
        issuers = [pool.submit(issuer, url, trust) for url in questions["issuers"]]
        connections = [pool.submit(connection, target) for target in questions["targets"]]
        found = {name: answer.result() for name, answer in answers.items()}
        found["issuers"] = [answer.result() for answer in issuers]
        found["connections"] = [answer.result() for answer in connections]
    print(json.dumps(found | {"time": time.time()}))


main()
