"""Real requests to the platform with the token of a team's service account. They read, and write nothing."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from tools.doctor.collect import caller
from tools.doctor.collect.caller import Result
from tools.doctor.collect.cluster import Cluster, RefusedError
from tools.doctor.facts import Unseen, parts
from tools.stack import TOKEN_SECONDS, Platform, TeamAccount

API = "/api/2.0/mlflow"
OK = 200
MODELS = 100


def token(cluster: Cluster, platform: Platform, team: TeamAccount) -> str:
    """A token of a team's service account.

    Raises:
        RefusedError: the caller may not request it, or the account does not exist.
    """
    path = f"/api/v1/namespaces/{team.namespace}/serviceaccounts/{team.service_account}/token"
    spec = {"audiences": [platform.audience], "expirationSeconds": TOKEN_SECONDS}
    document = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(cluster.send("POST", path, document=document).json()["status"]["token"])


def claims(text: str) -> Result:
    """Issuer and audiences of a token. The token itself is not among the facts."""
    part = text.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    audiences: str | list[str] = read["aud"]
    return {"issuer": read["iss"], "audiences": [audiences] if isinstance(audiences, str) else audiences}


def probe(cluster: Cluster, platform: Platform) -> tuple[dict[str, Result], list[Unseen]]:
    """Results of the probes `token`, `tracking`, `registry` and others, as the first team's program."""
    if platform.paused or not platform.teams:
        return {}, []
    name = min(platform.teams)
    team = platform.teams[name]
    try:
        text = token(cluster, platform, team)
    except RefusedError as error:
        account = f"serviceaccounts/{team.service_account}/token in namespace {team.namespace}"
        return {}, [Unseen(what=f"requests to MLflow as team {name}", needs=error.needs(f"create {account}"))]
    headers = {"Authorization": f"Bearer {text}"}
    if team.workspace is not None:
        headers["X-MLFLOW-WORKSPACE"] = team.workspace
    return {"token": claims(text)} | _requests(platform, headers, team.workspace), []


def _requests(platform: Platform, headers: dict[str, str], workspace: str | None) -> dict[str, Result]:
    def get(path: str, **query: str | int) -> Result:
        found = caller.ask(platform, "GET", f"{path}?{urlencode(query)}", headers=headers)
        return found | ({} if workspace is None else {"workspace": workspace})

    results: dict[str, Result] = {}
    search = {"max_results": 1}
    tracking = caller.ask(platform, "POST", f"{API}/experiments/search", headers=headers, document=search)
    results["tracking"] = tracking | ({} if workspace is None else {"workspace": workspace})
    if results["tracking"].get("status") == OK:
        results["version"] = {"body": get("/version").get("body", "").strip()}
        results["registry"] = get(f"{API}/registered-models/search", max_results=MODELS)
    if results.get("registry", {}).get("status") == OK:
        results |= _models(get, json.loads(results["registry"]["body"]).get("registered_models") or [])
    return {name: result if name == "version" else caller.short(result) for name, result in results.items()}


def _models(get: Any, models: list[dict[str, Any]]) -> dict[str, Result]:  # noqa: ANN401 - a local function
    """An alias, a stage, and the artifacts of the run that the alias's version comes from."""
    results: dict[str, Result] = {}
    pairs = [(model["name"], alias["alias"]) for model in models for alias in parts(model, "aliases")]
    staged = [
        (model["name"], version["current_stage"])
        for model in models
        for version in parts(model, "latest_versions")
        if version.get("current_stage") not in {None, "", "None"}
    ]
    if staged:
        name, stage = staged[0]
        results["stage"] = get(f"{API}/registered-models/get-latest-versions", name=name, stages=stage)
    if pairs:
        name, alias = pairs[0]
        results["alias"] = get(f"{API}/registered-models/alias", name=name, alias=alias)
        if results["alias"].get("status") == OK:
            run = json.loads(results["alias"]["body"])["model_version"].get("run_id")
            if run:
                results["artifacts"] = get(f"{API}/artifacts/list", run_id=run)
    return results
