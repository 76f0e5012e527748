"""Data that a plan puts at risk."""

from dataclasses import dataclass

from tools.access.words import Style


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    """Data that a plan puts at risk."""

    subject: str
    what: str
    kept: str
    """The part that stays, in any case."""

    back: str
    """How to get back what is lost, once the plan is applied."""

    before: str = ""
    """Steps before the plan is applied; empty if there are none."""

    short: str = ""
    """What is at risk, for the headline; empty for the subject."""

    names: tuple[str, ...] = ()
    """Names of the program in these texts, besides the subject."""

    moved: bool = False
    """True if data stay where nobody looks for them any more."""

    def worded(self, text: str, style: Style) -> str:
        """One of these texts, with the program's names in a style."""
        for name in sorted({self.subject, *self.names} - {""}, key=len, reverse=True):
            text = text.replace(name, style.name(name))
        return text
