"""Check that the default requests and limits of containers fit the quota of every team."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import starmap

from settings.draft import Draft, mapping
from settings.faults import Fault, path_of
from settings.types.quantities import cpu_in_cores, size_in_bytes


@dataclass(frozen=True, slots=True)
class Amount:
    """A value of the quota (ResourceQuota) or of the containers' defaults (LimitRange), for one team or for all."""

    path: str
    text: str
    said: str
    """The value and its origin, as text for messages."""

    default: bool
    """True if the stack file does not set the value."""

    def __str__(self) -> str:
        """The key and its value, as text for messages."""
        return f"{self.path} {self.said}"


# A key, the key that must be at least as large, and the consequence otherwise.
PAIRS: tuple[tuple[str, str, Callable[[str], float | None], str], ...] = (
    ("limits.cpuRequest", "limits.cpu", cpu_in_cores, "Kubernetes rejects a request above its limit"),
    ("limits.memoryRequest", "limits.memory", size_in_bytes, "Kubernetes rejects a request above its limit"),
    ("limits.cpu", "quota.cpu", cpu_in_cores, "the quota would reject every pod without its own limit"),
    ("limits.memory", "quota.memory", size_in_bytes, "the quota would reject every pod without its own limit"),
)


def allowances(draft: Draft) -> Iterator[Fault]:
    """Check that containers without requests and limits of their own can start in every team."""
    yield from starmap(_fault, _wrong(draft, None))
    for team in draft.section("teams"):
        # Mistakes in the defaults of all teams are reported once, above.
        yield from (
            _fault(small, large, why)
            for small, large, why in _wrong(draft, team)
            if not {small.path, large.path}.isdisjoint(_own(draft, team))
        )


def _wrong(draft: Draft, team: str | None) -> Iterator[tuple[Amount, Amount, str]]:
    for low, high, number, why in PAIRS:
        small, large = _amount(draft, team, low), _amount(draft, team, high)
        if small is None or large is None:
            continue
        least, most = number(small.text), number(large.text)
        if least is not None and most is not None and least > most:
            yield small, large, why


def _fault(small: Amount, large: Amount, why: str) -> Fault:
    # Report the key that the file sets, not a default that cannot be found there.
    at, other = (large, small) if small.default and not large.default else (small, large)
    relation = "more" if at is small else "less"
    return Fault(
        at.path,
        f'"{at.text}" is {relation} than {other}; {why}',
        f"lower {small.path} or raise {large.path}",
    )


def _amount(draft: Draft, team: str | None, key: str) -> Amount | None:
    """A team's own value if it has one, else the default of all teams; None if that value is missing or wrong."""
    if team is not None and _path(team, key) in _own(draft, team):
        section, _, last = key.partition(".")
        text = mapping(mapping(draft.section("teams").get(team)).get(section)).get(last)
        return Amount(_path(team, key), text, f'"{text}"', default=False) if isinstance(text, str) else None
    path = f"workspaces.{key}"
    text = draft.text(path)
    return None if text is None else Amount(path, text, draft.said(path), default=not draft.says(path))


def _own(draft: Draft, team: str) -> set[str]:
    """Paths of the values that a team sets itself."""
    said = mapping(draft.section("teams").get(team))
    return {_path(team, f"{section}.{key}") for section in ("quota", "limits") for key in mapping(said.get(section))}


def _path(team: str, key: str) -> str:
    return path_of(("teams", team, *key.split(".")))
