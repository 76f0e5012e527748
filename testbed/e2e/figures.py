"""Measured figures, printed at the end of the run. They never fail a test by themselves."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """The figures, in the order in which they were measured."""

    measured: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add(self, what: str, value: float | str, unit: str = "s") -> None:
        """Add a figure."""
        self.measured.append((what, value if isinstance(value, str) else f"{value:.1f} {unit}"))

    def lines(self) -> list[str]:
        """One line for each figure, aligned."""
        width = max((len(what) for what, _ in self.measured), default=0)
        return [f"{what:<{width}}  {value}" for what, value in self.measured]
