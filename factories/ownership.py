"""Names of platforms, by which a namespace that exists already belongs to one of them."""

import hashlib

from settings import ExternalSettings, Settings

# No namespace has a dot in its name, so that the two kinds of names differ.
WITHOUT_SERVER = "stack."
# Of a label's value.
LONGEST = 63
DIGITS = 8


def owner(settings: Settings | ExternalSettings, stack: str = "") -> str:
    """Name of a platform in its cluster: that of its namespace; without a server, that of the stack."""
    if isinstance(settings, Settings):
        return settings.namespace
    name = f"{WITHOUT_SERVER}{stack}"
    # A stack's name may be longer than a label's value, and end with a sign that a value cannot end with.
    if len(name) <= LONGEST and name[-1].isalnum():
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    return f"{name[: LONGEST - DIGITS - 1]}.{digest}"


def in_words(owner: str) -> str:
    """The platform with this name, for messages."""
    if owner.startswith(WITHOUT_SERVER):
        return f"the stack {owner.removeprefix(WITHOUT_SERVER)}, which has no server"
    return f"the platform in namespace {owner}"
