"""Reads every workspace of a restored database through a real MLflow server in the same pod, and counts what it shows."""

import json
import time
import urllib.error
import urllib.request

ADDRESS = "http://127.0.0.1:5000"
START_SECONDS = 300
ANSWER_SECONDS = 120
PAGE = 1000
# MLflow keeps workspaces in this table; the platform's are namespaces, so it is empty.
_WORKSPACES = """
    INSERT INTO public.workspaces (name) SELECT DISTINCT workspace FROM public.experiments ON CONFLICT DO NOTHING
"""
_EXPERIMENTS = "SELECT workspace, count(*) FROM public.experiments GROUP BY 1"
# Of the workspace's experiment with the most runs, which one page of the answer may not hold.
_RUNS = """
    SELECT DISTINCT ON (workspace) workspace, experiment_id::text, count(run_uuid)
    FROM public.experiments LEFT JOIN public.runs USING (experiment_id)
    GROUP BY 1, experiments.experiment_id ORDER BY 1, 3 DESC
"""


class ServerError(Exception):
    """The server gives no valid answer; the message has the reason."""


def prepare(cursor):
    """Make the workspaces known to the server."""
    cursor.execute(_WORKSPACES)


def wait(seconds=START_SECONDS):
    """Wait until the server answers.

    Raises:
        ServerError: the server does not answer in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{ADDRESS}/health", timeout=5):
                return
        except OSError as error:
            if time.monotonic() > end:
                raise ServerError(f"MLflow does not answer on the restored database: {error}") from None
            time.sleep(1)


def counted(cursor, ask):
    """Experiments and runs that MLflow shows of each workspace, and a sentence for each that differs from the tables.

    `ask` sends a document to a path in a workspace, as `asked` does.
    """
    cursor.execute(_EXPERIMENTS)
    experiments = dict(cursor.fetchall())
    cursor.execute(_RUNS)
    most = {workspace: (experiment, runs) for workspace, experiment, runs in cursor.fetchall()}
    shown, faults = {}, []
    for workspace, expected in sorted(experiments.items()):
        try:
            there = _all_experiments(ask, workspace)
            experiment, runs = most[workspace]
            document = {"experiment_ids": [experiment], "run_view_type": "ALL", "max_results": PAGE}
            listed = len(ask(workspace, "runs/search", document).get("runs", ()))
        except ServerError as error:
            faults.append(f"MLflow does not show workspace {workspace} of the restored database: {error}")
            continue
        shown[workspace] = {"experiments": there, "runs": listed}
        if there != expected:
            faults.append(f"MLflow shows {there} experiments of workspace {workspace}, and the tables have {expected}")
        if listed != min(runs, PAGE):
            faults.append(f"MLflow shows {listed} runs of experiment {experiment}, and the tables have {runs}")
    return shown, faults


def _all_experiments(ask, workspace):
    count, token = 0, ""
    while True:
        document = {"view_type": "ALL", "max_results": PAGE, **({"page_token": token} if token else {})}
        page = ask(workspace, "experiments/search", document)
        count += len(page.get("experiments", ()))
        token = page.get("next_page_token", "")
        if not token:
            return count


def asked(workspace, path, document):
    """The server's answer.

    Raises:
        ServerError: the server refuses the request, or does not answer.
    """
    request = urllib.request.Request(
        f"{ADDRESS}/api/2.0/mlflow/{path}",
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json", "X-MLFLOW-WORKSPACE": workspace},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ServerError(f"status {error.code}: {error.read(500).decode(errors='replace')}") from None
    except OSError as error:
        raise ServerError(str(error)) from None
