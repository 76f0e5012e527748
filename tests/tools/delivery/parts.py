"""Previews with one change, and a merged pull request at the stand-in for GitHub."""

from tests.tools.github import GitHub
from tests.tools.plan.parts import stream
from tools.plan import report
from tools.plan.plan import Plan
from tools.plan.preview import parse
from tools.plan.reading import planned

TOKEN = "ours"  # noqa: S105 - opens nothing but the stand-in
COMMIT, HEAD = "c" * 40, "d" * 40


def events(op: str, kind: str, name: str) -> str:
    """A preview with one change."""
    urn = f"urn:pulumi:dev::p::kubernetes:core/v1:{kind}::{name}"
    inputs = {"inputs": {"kind": kind, "metadata": {"name": name}}}
    metadata = {"op": op, "urn": urn, "old" if op == "delete" else "new": inputs}
    return stream({"resourcePreEvent": {"metadata": metadata}}, {"summaryEvent": {}})


SAFE, RISKY = events("create", "Service", "a"), events("delete", "Namespace", "team-b")
BROKEN = stream({"diagnosticEvent": {"severity": "error", "message": "no such cluster"}})


def plan(text: str) -> Plan:
    """The plan of a preview, compared with the last commit of the current folder."""
    return planned("dev", parse(text), "HEAD", None)


def show(github: GitHub, text: str, by: str = "github-actions[bot]") -> str:
    """Post the plan of a preview as a comment; returns the comment's node id."""
    return github.add(report.markdown([plan(text)]), by)["node_id"]
