"""Browser sessions that are open when a plan is applied: when they end, and when lost access ends in them."""

from collections.abc import Iterator

from settings.schema.login import BasicLogin
from tools.access.difference import Difference, Membership
from tools.access.words import Style
from tools.plan.people import People


def ended(people: People | None) -> str:
    """Reason why everybody has to sign in again once the plan is applied; empty if nobody has to."""
    if people is None:
        return ""
    before, after = people.before, people.after
    if before.host != after.host:
        return "a browser session belongs to one host"
    if before.sessions.rotation != after.sessions.rotation:
        return "another `sessions.rotation` draws another secret of the sessions"
    return ""


def last(people: People | None) -> str:
    """How long sessions last of people who then sign in differently or not at all; empty if there are none."""
    if people is None or ended(people) or not (people.gone or people.signs_in_differently):
        return ""
    sessions = people.after.sessions
    if not isinstance(people.after.login, BasicLogin):
        return f"{sessions.refresh_minutes} minutes (sessions.refreshMinutes)"
    # Passwords of the stack are not asked for again while a session lasts.
    return f"{sessions.hours} hours (sessions.hours)"


def when_access_ends(people: People, found: Difference, style: Style) -> Iterator[str]:
    """Sentences that say when lost access ends for people who are signed in."""
    cached = people.after.server.access_cache_seconds
    removed = {team for event, team in found.events if event == "removed"}
    if removed:
        names = " and ".join(map(style.name, sorted(removed)))
        yield (
            f"Access to {names} ends within {cached} s of the `up` for everybody, in open browser sessions too"
            " (server.accessCacheSeconds)"
        )
    left = [one for one in found.changes if isinstance(one, Membership) and not one.gains]
    stays = any(set(one.teams) - removed for one in left)
    if people.signs_in_differently or people.gone:
        if span := last(people):
            whose = "" if people.signs_in_differently else " of people who can no longer sign in"
            yield f"Browser sessions{whose} that are open may go on, with the rights of their groups, for up to {span}"
    elif stays and not isinstance(people.after.login, BasicLogin):
        yield (
            "Browser sessions that are open keep the earlier groups for up to"
            f" {people.after.sessions.refresh_minutes} minutes (sessions.refreshMinutes)"
        )
