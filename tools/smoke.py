"""Smoke test: log a run on the deployed platform as a data scientist would, and print the platform's URLs.

`tools/with-cluster CONTEXT .venv/bin/python -m tools.smoke [--json]`. The exit code is 0 if the platform works, or if
`server.paused` is set. With an external tracking server, each team's connectivity check is run again.
"""

import argparse
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tools import external_smoke
from tools.client_environment import client_python
from tools.stack import Platform, read_platform, service_account_token

SCRIPT = Path(__file__).with_name("client") / "record_run.py"
# The client itself retries for about four minutes while the server is unavailable.
TIMEOUT_SECONDS = 300
ANNOUNCE_SECONDS = 2


def client_variables(platform: Platform, team: str, authority_file: Path | None) -> dict[str, str]:
    """Environment variables of an MLflow client outside the cluster, with a token of the team's service account."""
    account = platform.teams[team]
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "MLFLOW_TRACKING_URI": platform.url,
        "MLFLOW_TRACKING_TOKEN": service_account_token(account.namespace, account.service_account, platform.audience),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if account.workspace is not None:
        variables["MLFLOW_WORKSPACE"] = account.workspace
    if authority_file is not None:
        variables["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(authority_file)
        variables["REQUESTS_CA_BUNDLE"] = str(authority_file)
    return variables


def wait_until_it_answers(url: str, authority: str | None) -> None:
    """Wait until `url`/health answers with 200; after a restart of the cluster, the pods need some time to start.

    Raises:
        SystemExit: no such answer within five minutes; the message contains the last error.
    """
    trust = ssl.create_default_context(cadata=authority)
    start = time.monotonic()
    announced = False
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=10, context=trust):  # noqa: S310 - the stack's own https
                return
        except OSError as error:
            last = error
        waited = time.monotonic() - start
        if waited > TIMEOUT_SECONDS:
            sys.exit(f"smoke test: {url}/health did not answer within {TIMEOUT_SECONDS} s: {last}; see `make status`")
        if waited > ANNOUNCE_SECONDS and not announced:
            print(f"waiting for {url} to answer ...", flush=True)
            announced = True
        time.sleep(1)


def record_run(platform: Platform, team: str) -> dict[str, Any]:
    """Log a run and register a model in the team's workspace.

    Raises:
        SystemExit: the client failed or timed out; the message contains the last lines of its standard error.
    """
    python = client_python()
    with tempfile.TemporaryDirectory(prefix="mlflow-smoke-") as folder:
        authority = None
        if platform.authority is not None:
            authority = Path(folder) / "ca.crt"
            authority.write_text(platform.authority, encoding="utf-8")
        try:
            done = subprocess.run(
                [python, SCRIPT],
                env=client_variables(platform, team, authority),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = late.stderr.decode(errors="replace") if late.stderr else ""
            sys.exit(_failure(platform, team, f"did not finish within {TIMEOUT_SECONDS} s", said))
    if done.returncode:
        sys.exit(_failure(platform, team, "failed", done.stderr))
    return json.loads(done.stdout.splitlines()[-1])


def _failure(platform: Platform, team: str, what: str, said: str) -> str:
    last = "\n  ".join(said.strip().splitlines()[-8:])
    return (
        f"smoke test: the MLflow client {what} in workspace {team} of {platform.url}; "
        f"the end of its error output:\n  {last}"
    )


def main() -> None:
    """Run the smoke test in the first team's workspace."""
    parser = argparse.ArgumentParser(prog="python -m tools.smoke", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    platform = read_platform()
    if platform.paused:
        print("smoke test: skipped, because server.paused is true and no server runs")
        return
    if platform.external:
        external_smoke.check(platform)
        return
    team = min(platform.teams)
    wait_until_it_answers(platform.url, platform.authority)
    start = time.monotonic()
    result = record_run(platform, team)
    seconds = time.monotonic() - start
    if options.json:
        print(json.dumps({**result, "team": team, "url": platform.url, "seconds": round(seconds, 1)}))
        return
    print(f"smoke test: run {result['run_id']} and model {result['model']} v{result['version']} in {seconds:.0f} s")
    print(_where_to_look(platform, team, result))


def _where_to_look(platform: Platform, team: str, result: dict[str, Any]) -> str:
    workspace = platform.teams[team].workspace
    query = "" if workspace is None else f"?workspace={workspace}"
    lines = [
        "",
        f"MLflow       {platform.url}",
        f"this run     {platform.url}/#/experiments/{result['experiment_id']}/runs/{result['run_id']}{query}",
        f"teams        {', '.join(sorted(platform.teams))}",
    ]
    if platform.users:
        lines += [
            f"sign in as   {', '.join(platform.users)}",
            "passwords    make passwords",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
