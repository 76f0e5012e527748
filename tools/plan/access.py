"""Changes of access in a plan, in sentences."""

from tools.access.words import Style, sentences
from tools.plan.plan import Plan


def access_lines(one: Plan, style: Style) -> list[str]:
    """Sentences about how people sign in, who gains or loses access, and what that means for people."""
    if one.access is None or isinstance(one.access, str):
        return [] if one.access is None else [one.access]
    if one.people is None:
        return sentences(one.access, style)
    found = one.people.without_gone(one.access)
    lines = sentences(found, style)
    # Those who cannot sign in any more are said to lose something.
    lines = [] if one.people.gone and found.nothing else lines
    return [*one.people.signing_in(style), *lines, *one.people.remarks(one.access, style)]
