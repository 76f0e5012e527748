"""Decision about a plan: what to do before somebody approves it, and what its author must do if it would fail."""

from collections.abc import Iterator

from settings.types.quantities import size_in_bytes
from tools.access.difference import Difference
from tools.access.words import Style, prose
from tools.plan import taken_over
from tools.plan.edits import sentence
from tools.plan.interruptions import Interruption
from tools.plan.needed import needed
from tools.plan.plan import Plan
from tools.plan.preview import MANDATORY, MISTAKES
from tools.plan.reasons import LONGEST_LIST
from tools.plan.sessions import last

VOLUME = "A volume has another size in the stack file"
FIXED = "`up` cannot change the size of a volume that exists"
LARGER = "run `make grow STACK={stack}` with this stack file, then make the plan again (docs/volumes.md)"
SMALLER = "set it back: a volume cannot shrink"
# What an error of the engine means, and the way out, by words in it.
ERRORS = {
    "updates to statefulset spec": "{volume}",
    "unable to replace resource": (
        "A resource that holds data is to be replaced, and Pulumi refuses it. The author must keep it as it is. If it"
        " is a StatefulSet: {volume}"
    ),
    "is protected": (
        "A resource that holds data is to be deleted, and Pulumi refuses it. The author must keep the resource; to"
        " delete it on purpose, begin with `pulumi state unprotect` (docs/destroy.md)."
    ),
}
UNKNOWN = "The author must fix the error below."


def before_approving(one: Plan, style: Style) -> list[str]:
    """Steps before the plan is approved, the most important first; empty if there are none."""
    found = [f"{_capital(risk.worded(risk.before, style))}." for risk in one.risks if risk.before]
    found += [*taken_over.before(one.preview.ordered, style), *_of_teams(one, style)]
    if outside := needed(one.preview.ordered, style) + _places(one, style):
        found.append(f"Make sure that these exist, which this plan does not check: {'; '.join(outside)}.")
    closed = sorted({each.who.partition(" (")[0] for each in one.connections if each.closes})
    if closed:
        found.append(
            f"Make sure that {' and '.join(prose(each, style) for each in closed)} can do without the connections that"
            " are closed: this plan cannot see which are in use."
        )
    found += [*_of_people(one, style), *_of_addresses(one, style)]
    if any(each.until for each in one.interruptions):
        found.append("Plan who hands out the new CA certificate (`pulumi stack output authority` after the `up`).")
    if not found and one.reasons:
        return ["Nothing to prepare. Decide whether you accept what the headline says, and when it may happen."]
    return list(dict.fromkeys(found))


def _places(one: Plan, style: Style) -> list[str]:
    """Buckets and other places in which MLflow looks for its data from now on."""
    return [style.name(risk.names[1]) for risk in one.risks if risk.moved and len(risk.names) > 1]


def _of_teams(one: Plan, style: Style) -> Iterator[str]:
    events = one.access.events if isinstance(one.access, Difference) else ()
    for event, team in events:
        name = style.name(team)
        if event == "new" and one.preview.changes:
            yield (
                f"If there has been a team called {name} before, make sure that the new one may see its data, or have"
                f" it deleted first (`make purge TEAM={team}`, docs/teams.md). This plan does not know whether there"
                " is any; after the `up`, `make usage` shows it."
            )
        if event == "removed" and one.people is not None:
            who = ", ".join(map(style.name, one.people.of_team(team))) or "its groups"
            yield (
                f"Decide with team {name} ({who}) what becomes of its data in MLflow: it stays, and a later team of"
                f" this name would see it. To delete it, archive the team first, and `make purge TEAM={team}`"
                " (docs/teams.md)."
            )


def _of_people(one: Plan, style: Style) -> Iterator[str]:
    people = one.people
    if people is None:
        return
    if people.gone:
        yield f"Make sure that {', '.join(map(style.name, people.gone))} shall not sign in any more."
        if (span := last(people)) and people.signs_in_differently:
            yield (
                "If they shall be signed out with the `up`, have `sessions.rotation` raised in this change: otherwise"
                f" sessions that are open may go on for up to {span}."
            )
    if people.signs_in_differently:
        who = ", ".join(map(style.name, people.left)) if len(people.left) <= LONGEST_LIST else ""
        how = (
            f"with a new password, which `make passwords STACK={one.stack}` prints after the `up`"
            if people.left
            else "with their account at the identity provider"
        )
        yield f"Tell {who or 'everybody who stays'} how to sign in from now on: {how}."


def _of_addresses(one: Plan, style: Style) -> Iterator[str]:
    gone = [each for each in one.interruptions if each.who == "the address"]
    for each in gone:
        if each.becomes:
            # People open MLflow; the login's address follows from there.
            if one.people is None or one.people.after.host in each.becomes:
                new, old = (" and ".join(style.name(f"https://{host}") for host in hosts) for hosts in _both(each))
                yield f"Tell everybody: from the `up` on, use {new} instead of {old}."
        elif not (one.people is not None and one.people.signs_in_differently):
            yield f"Tell everybody who uses {style.name(each.ends)}: no address replaces it."
    new = sorted({host for each in gone for host in each.becomes})
    if new:
        names = " and ".join(map(style.name, new))
        yield f"Make sure that the name server knows {names}: this plan does not check it."


def _both(one: Interruption) -> tuple[list[str], list[str]]:
    return list(one.becomes), one.ends.split(", ")


def way_out(one: Plan, style: Style) -> list[str]:
    """Why the plan would fail, and what its author must do."""
    return list(
        dict.fromkeys([*_errors(one, style), *_clashes(one, style), *_namespaces(one, style), *_violations(one)])
    )


def _errors(one: Plan, style: Style) -> Iterator[str]:
    for text in one.preview.errors:
        if found := MISTAKES.match(text):
            # They quote the stack file, which is the author's text.
            mistakes = "; ".join(style.name(line.strip(" -")) for line in text.splitlines()[1:])
            yield f"The author must correct {found[1]}: {mistakes}"
        else:
            advice = next((advice for words, advice in ERRORS.items() if words in text), UNKNOWN)
            yield advice.replace("{volume}", _volumes(one, style))


def _volumes(one: Plan, style: Style) -> str:
    """The settings of sizes that change, and what to do about them."""
    found = [each for each in one.edits if each.before and each.after and each.key.lower().endswith("storage")]
    grows = {size_in_bytes(_size(each.after)) > size_in_bytes(_size(each.before)) for each in found}
    larger, smaller = LARGER.format(stack=one.stack), SMALLER
    ways = {
        frozenset({True}): f"The author must {larger}",
        frozenset({False}): f"The author must {smaller}",
    }
    way = ways.get(
        frozenset(grows), f"If it is larger, the author must {larger}. If it is smaller, the author must {smaller}"
    )
    return f"{'; '.join(sentence(each, style) for each in found) or VOLUME}. {FIXED}. {way}."


def _size(text: str) -> str:
    return text.removesuffix(" (default)")


def _clashes(one: Plan, style: Style) -> Iterator[str]:
    for each in one.preview.clashes:
        yield (
            f"The program creates an object that exists under another name of its own, which would fail:"
            f" {style.name(each)}."
        )
    if one.preview.clashes:
        yield (
            "The author must give the resource an alias of its old name: Pulumi then renames it, and deletes nothing."
        )


def _namespaces(one: Plan, style: Style) -> Iterator[str]:
    for each in one.preview.destroyed:
        yield (
            f"{style.name(each)} would be deleted with everything in it, although the stack goes on to use it. The"
            " stack has created it: the author must remove `createNamespace: false`."
        )
    for each in one.preview.created_again:
        yield (
            f"{style.name(each)} exists already, so that `up` would stop in the middle. The stack has only taken it"
            " over: the author must set `createNamespace: false` again."
        )


def _violations(one: Plan) -> Iterator[str]:
    if any(each.level == MANDATORY for each in one.preview.violations):
        yield "The author must fix what breaks a mandatory rule, or add an exception with a reason (docs/policy.md)."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
