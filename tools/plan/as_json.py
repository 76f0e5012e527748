"""Plans as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tools.access.words import PLAIN
from tools.plan.access import access_lines
from tools.plan.decision import before_approving, way_out
from tools.plan.effects import effects
from tools.plan.fingerprint import fingerprint
from tools.plan.plan import Plan

# Raised when a field of the JSON changes its meaning or goes away.
VERSION = 1


def as_json(plans: Sequence[Plan]) -> str:
    """The plans as one document. The same plan gives the same bytes."""
    return json.dumps({"version": VERSION, "plans": [_shown(one) for one in plans]}, indent=2, ensure_ascii=False)


def _shown(one: Plan) -> dict[str, Any]:
    return {
        "stack": one.stack,
        "fingerprint": fingerprint(one).value,
        "outcome": one.outcome,
        "reasons": one.reasons,
        "edits": [asdict(each) for each in one.edits],
        "before_approving": before_approving(one, PLAIN),
        "way_out": way_out(one, PLAIN) if one.preview.refused else [],
        "access": None if one.access is None else access_lines(one, PLAIN),
        "risks": [asdict(risk) for risk in one.risks],
        "backups": list(one.backups),
        "interruptions": [asdict(each) for each in one.interruptions],
        "rolling": list(one.rolling),
        "opened": one.opened,
        "closed": one.closed,
        "effects": effects(one, PLAIN),
        "signing_in": [] if one.people is None else one.people.signing_in(PLAIN),
        "kept_storage": one.kept_storage,
        "before": asdict(one.before),
        "after": asdict(one.after),
        "cost": None if one.cost is None else {"before": one.cost[0], "after": one.cost[1]},
        "sums": [asdict(each) for each in one.sums],
        "warnings": list(one.warnings),
        "unknown": list(one.unknown),
        "violations": [asdict(each) for each in one.preview.violations],
        "errors": list(one.preview.errors),
        "clashes": list(one.preview.clashes),
        "changes": [
            {"op": step.op, "resource": step.shown, "component": step.component, "properties": list(step.changed)}
            for step in one.preview.changes
        ],
    }
