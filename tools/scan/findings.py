"""Findings of all scanners in one form, one for each rule and object. Reads their output, and runs nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

Json = dict[str, Any]

# kube-score's grades: 10 is fine, 7 almost; 5 is a warning, 1 critical.
FINE = 7


class OutputError(Exception):
    """A scanner's output is not a report of findings; the message has the beginning of the output."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Finding:
    """One rule that one object breaks."""

    scanner: str
    rule: str
    target: str
    """`STACK/KIND/RESOURCE`, by the name of the Pulumi resource, or the path of a file."""

    message: str


Targets = Mapping[str, str]
"""The target for each file that a scanner has read, by the file's name."""

Reader = Callable[[str, Targets], Iterator[Finding]]


def checkov(output: str, targets: Targets) -> Iterator[Finding]:
    """The findings in checkov's JSON: one document for each kind of files; one without results if it found no files."""
    documents = _parsed("checkov", output)
    for document in cast("list[Json]", documents) if isinstance(documents, list) else [cast("Json", documents)]:
        for failed in document.get("results", {}).get("failed_checks", ()):
            target = targets[PurePath(failed["file_path"]).name]
            yield Finding(scanner="checkov", rule=failed["check_id"], target=target, message=failed["check_name"])


def kube_score(output: str, targets: Targets) -> Iterator[Finding]:
    """The findings in kube-score's JSON: a list of objects with the grade of each check."""
    for one in cast("list[Json]", _parsed("kube-score", output)):
        for check in one["checks"]:
            if not check["skipped"] and check["grade"] < FINE:
                said = [f"{said['path']}: {said['summary']}".removeprefix(": ") for said in check["comments"] or ()]
                yield Finding(
                    scanner="kube-score",
                    rule=check["check"]["id"],
                    target=targets[PurePath(one["file_name"]).name],
                    message="; ".join(said) or check["check"]["name"],
                )


def pod_security(output: str, targets: Targets) -> Iterator[Finding]:
    """The violations that `go/pod-security` prints, one JSON object in each line."""
    for line in output.splitlines():
        said = cast("Json", _parsed("pod-security", line))
        yield Finding(scanner="pod-security", rule=said["reason"], target=targets[said["name"]], message=said["detail"])


def zizmor(output: str, targets: Targets) -> Iterator[Finding]:
    """The findings in zizmor's JSON, without those that a comment in the workflow ignores."""
    for said in cast("list[Json]", _parsed("zizmor", output)):
        if said["ignored"]:
            continue
        (place, *_) = [one for one in said["locations"] if one["symbolic"]["kind"] == "Primary"]
        (file,) = place["symbolic"]["key"].values()
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        yield Finding(
            scanner="zizmor",
            rule=said["ident"],
            target=targets[PurePath(file["verbatim_path"]).name],
            message=f"line {line}: {said['desc']}: {place['symbolic']['annotation']}",
        )


def actionlint(output: str, targets: Targets) -> Iterator[Finding]:
    """The mistakes in actionlint's JSON."""
    for said in cast("list[Json]", _parsed("actionlint", output)):
        yield Finding(
            scanner="actionlint",
            rule=said["kind"],
            target=targets[PurePath(said["filepath"]).name],
            message=f"line {said['line']}: {said['message']}",
        )


def _parsed(scanner: str, output: str) -> object:
    try:
        return json.loads(output)
    except ValueError:
        raise OutputError(f"{scanner} printed no JSON: {output.strip()[:500] or 'nothing'}") from None
