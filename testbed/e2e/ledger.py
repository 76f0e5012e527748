"""The record of a client that keeps logging: calls that were acknowledged or failed, with times."""

import json
from dataclasses import dataclass
from pathlib import Path

KINDS = ("run", "metrics", "artifact")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the client."""

    kind: str
    started: float
    ended: float
    acknowledged: bool
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """All calls of one client, in their order."""

    calls: tuple[Call, ...]

    @classmethod
    def read(cls, file: Path) -> "Ledger":
        """The calls so far; an incomplete last line does not count."""
        text = file.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        fields = Call.__dataclass_fields__
        return cls(calls=tuple(Call(**{name: line[name] for name in fields}) for line in lines))

    def since(self, moment: float) -> "Ledger":
        """The calls that ended after a moment."""
        return Ledger(calls=tuple(call for call in self.calls if call.ended >= moment))

    @property
    def failures(self) -> tuple[Call, ...]:
        """The calls that were not acknowledged."""
        return tuple(call for call in self.calls if not call.acknowledged)

    def whole_rounds(self) -> int:
        """Number of times that every kind of call has been acknowledged since the last failure."""
        after = self.calls
        if self.failures:
            after = after[after.index(self.failures[-1]) + 1 :]
        return min(sum(call.kind == kind for call in after) for kind in KINDS)

    def healed_after(self, moment: float) -> float:
        """Seconds from a moment until calls of every kind were acknowledged again."""
        after = self.since(max((call.ended for call in self.failures), default=moment)).calls
        first = (min(call.ended for call in after if call.kind == kind and call.acknowledged) for kind in KINDS)
        return max(first) - moment
