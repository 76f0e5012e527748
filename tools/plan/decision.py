"""Decision about a plan: what to do before somebody approves it, and what its author must do if it would fail."""

import re
from collections.abc import Iterator

from tools.access.words import Style
from tools.plan.plan import Plan
from tools.plan.preview import MANDATORY

VOLUME = (
    "has another size in the stack file, and `up` cannot change the size of a volume in the cluster. If it is larger,"
    " run `make grow STACK={stack}` with this stack file, then make the plan again (docs/volumes.md). The author must"
    " set it back if it is smaller: a volume cannot shrink."
)
# What an error of the engine means, and the way out, by words in it.
ERRORS = {
    "updates to statefulset spec": f"A volume {VOLUME}",
    "unable to replace resource": (
        "A resource that holds data is to be replaced, and Pulumi refuses it. The author must keep it as it is. If it"
        f" is a StatefulSet, a volume {VOLUME}"
    ),
    "is protected": (
        "A resource that holds data is to be deleted, and Pulumi refuses it. The author must keep the resource; to"
        " delete it on purpose, begin with `pulumi state unprotect` (docs/destroy.md)."
    ),
}
MISTAKES = re.compile(r"\d+ mistakes? in (\S+)")
UNKNOWN = "The author must fix the error below."


def before_approving(one: Plan, style: Style) -> list[str]:
    """Steps before the plan is approved, the most important first; empty if there are none."""
    found = [f"{_capital(risk.worded(risk.before, style))}." for risk in one.risks if risk.before]
    if one.closed:
        found.append(
            "Make sure that nothing needs the connections that are closed: this plan cannot see what uses them."
        )
    if one.people is not None and one.people.gone:
        found.append(f"Make sure that {', '.join(map(style.name, one.people.gone))} shall not sign in any more.")
    if one.people is not None and one.people.signs_in_differently:
        found.append("Tell everybody who stays how to sign in from now on.")
    gone = [one.ends for one in one.interruptions if one.who == "the address"]
    if gone:
        found.append(f"Tell everybody who uses {' or '.join(map(style.name, gone))}: the address ends with the `up`.")
    if any(each.until for each in one.interruptions):
        found.append("Plan who hands out the new CA certificate (`pulumi stack output authority` after the `up`).")
    return list(dict.fromkeys(found))


def way_out(one: Plan, style: Style) -> list[str]:
    """Why the plan would fail, and what its author must do."""
    return list(dict.fromkeys([*_errors(one, style), *_clashes(one, style), *_violations(one)]))


def _errors(one: Plan, style: Style) -> Iterator[str]:
    for text in one.preview.errors:
        if found := MISTAKES.match(text):
            # They quote the stack file, which is the author's text.
            mistakes = "; ".join(style.name(line.strip(" -")) for line in text.splitlines()[1:])
            yield f"The author must correct {found[1]}: {mistakes}"
        else:
            advice = next((advice for words, advice in ERRORS.items() if words in text), UNKNOWN)
            yield advice.replace("{stack}", one.stack)


def _clashes(one: Plan, style: Style) -> Iterator[str]:
    for each in one.preview.clashes:
        yield style.name(each)
    if one.preview.clashes:
        yield (
            "The author must give the new resource an alias of the old name: Pulumi then renames it, and deletes"
            " nothing."
        )


def _violations(one: Plan) -> Iterator[str]:
    if any(each.level == MANDATORY for each in one.preview.violations):
        yield "The author must fix what breaks a mandatory rule, or add an exception with a reason (docs/policy.md)."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
