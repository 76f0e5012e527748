"""Data that a plan puts at risk."""

from dataclasses import dataclass

from tools.access.words import Style


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    """Data that a plan puts at risk."""

    subject: str
    what: str
    kept: str
    """The part of the data that stays in any case."""

    back: str
    """How to get back what is lost, once the plan is applied."""

    before: str = ""
    """Steps before the plan is applied; empty if there are none."""

    short: str = ""
    """The data at risk, for the headline; empty if it is `subject`."""

    names: tuple[str, ...] = ()
    """Names of resources and places in these texts, besides `subject`."""

    moved: bool = False
    """True if the data stays in a place that MLflow no longer uses."""

    def worded(self, text: str, style: Style) -> str:
        """One of these texts, with names formatted in a style."""
        for name in sorted({self.subject, *self.names} - {""}, key=len, reverse=True):
            text = text.replace(name, style.name(name))
        return text
