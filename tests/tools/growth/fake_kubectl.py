"""A kubectl of the tests' own: its cluster is a document, as a program the file $WORLD/cluster.json."""

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FOLDER = Path(os.environ.get("WORLD", ""))
KINDS = {
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "statefulset": "StatefulSet",
    "statefulsets.apps": "StatefulSet",
    "service": "Service",
    "pod": "Pod",
    "pods": "Pod",
    "storageclasses.storage.k8s.io": "StorageClass",
}


def main() -> int:
    cluster = json.loads((FOLDER / "cluster.json").read_text(encoding="utf-8"))
    with (FOLDER / "calls").open("a", encoding="utf-8") as log:
        log.write(f"kubectl {' '.join(sys.argv[1:])}\n")
    code, out, err = answer(cluster, sys.argv[1:], "" if sys.stdin.isatty() else sys.stdin.read())
    (FOLDER / "cluster.json").write_text(json.dumps(cluster), encoding="utf-8")
    print(out)
    print(err, file=sys.stderr)
    return code


def answer(cluster: Json, arguments: Sequence[str], stdin: str) -> tuple[int, str, str]:
    """Exit code and outputs of a call; changes the cluster."""
    pairs = (word.removeprefix("--").partition("=") for word in arguments if word.startswith("--"))
    options = {name: value for name, _, value in pairs}
    words = [word for word in arguments if not word.startswith("--")]
    if options.get("context") != cluster["context"]:
        return 1, "", f"context {options.get('context')} does not exist"
    try:
        return 0, COMMANDS[words[0]](cluster, words[1:], options, stdin), ""
    except RefusedError as refused:
        return 1, "", str(refused)


class RefusedError(Exception):
    """The API server refuses."""


def key(kind: str, options: dict[str, str], name: str) -> str:
    return f"{KINDS[kind]} {options.get('namespace', '')}/{name}"


def judge(cluster: Json, verb: str, what: str, options: dict[str, str]) -> None:
    """Refuse what an expression of the test's matches."""
    dry = "dry " if "dry-run" in options else ""
    for words, text in cluster["refuses"].items():
        if re.search(words, f"{dry}{verb} {what}"):
            raise RefusedError(text)


def can_i(cluster: Json, words: list[str], options: dict[str, str], _stdin: str) -> str:
    right = " ".join([*words[1:], *([options["namespace"]] if "namespace" in options else [])])
    return "no" if right in cluster["denied"] else "yes"


def get(cluster: Json, words: list[str], options: dict[str, str], _stdin: str) -> str:
    judge(cluster, "get", words[0], options)
    if len(words) == 1:
        start = key(words[0], options, "")
        return json.dumps({"items": [one for name, one in cluster["objects"].items() if name.startswith(start)]})
    found = cluster["objects"].get(key(words[0], options, words[1]))
    return "" if found is None else json.dumps(found)


def patch(cluster: Json, words: list[str], options: dict[str, str], _stdin: str) -> str:
    judge(cluster, "patch", words[1], options)
    if "dry-run" in options:
        return ""
    claim = cluster["objects"][key(words[0], options, words[1])]
    size = json.loads(options["patch"])["spec"]["resources"]["requests"]["storage"]
    claim["spec"]["resources"]["requests"]["storage"] = size
    if cluster["resizes"]:
        claim["status"]["capacity"]["storage"] = size
    return ""


def defaulted(manifest: Json) -> Json:
    """The object as the API server makes it."""
    spec: Json = {"podManagementPolicy": "OrderedReady", **manifest["spec"]}
    claims: list[Json] = spec["volumeClaimTemplates"]
    templates: list[Json] = [{**one, "status": {"phase": "Pending"}} for one in claims]
    return {**manifest, "spec": {**spec, "volumeClaimTemplates": templates}}


def create(cluster: Json, _words: list[str], options: dict[str, str], stdin: str) -> str:
    judge(cluster, "create", stdin, options)
    return json.dumps(defaulted(json.loads(stdin)))


def apply(cluster: Json, _words: list[str], options: dict[str, str], stdin: str) -> str:
    judge(cluster, "apply", stdin, options)
    time.sleep(cluster["apply_seconds"])
    made = defaulted(json.loads(stdin))
    made["metadata"] = {**made["metadata"], "uid": "new", "generation": 1, "manager": options["field-manager"]}
    made["status"] = {"observedGeneration": 1, "readyReplicas": 1}
    cluster["objects"]["StatefulSet {namespace}/{name}".format(**made["metadata"])] = made
    return ""


def delete(cluster: Json, words: list[str], options: dict[str, str], _stdin: str) -> str:
    judge(cluster, "delete", words[1], options)
    if KINDS[words[0]] == "StatefulSet" and options.get("cascade") != "orphan":
        raise RefusedError("this would end the pods")
    del cluster["objects"][key(words[0], options, words[1])]
    return ""


COMMANDS = {"auth": can_i, "get": get, "patch": patch, "create": create, "apply": apply, "delete": delete}

if __name__ == "__main__":
    sys.exit(main())
