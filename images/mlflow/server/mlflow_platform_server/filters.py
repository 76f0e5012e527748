"""Bounds of searches: length and conditions of a filter, sort keys, and the lists of IDs in a query.

Every condition and every sort key is one more table to join. PostgreSQL's memory for planning grows with the square of
their number, and the parser of filters is written in Python. The bounds are checked in two places, because neither sees
everything:

- `parse` stands in for `sqlparse.parse`, through which MLflow reads every filter and every sort key, wherever it comes
  from: REST, GraphQL, or a configuration that is stored for later.
- `bounded` stands in for the public methods of MLflow's stores, which take several filters or sort keys at a time.

MLflow turns every exception of the parser into "Error on parsing filter", followed by the whole filter. So for a filter
beyond the bounds `parse` returns an object that raises only when MLflow looks at it.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from typing import Any, NoReturn

# Parameters of the stores' methods. Each entry of the first ones is a part of the SQL statement, each entry of the
# others is a value in it. `datasets` is a list of conditions in searches, and content everywhere else.
CONDITIONS = frozenset({"filters", "aggregations", "dimensions"})
SEARCHED_DATASETS = "datasets"
SORT_KEYS = "order_by"
VALUES = frozenset({"locations", "steps"})
_IDS = "_ids"
# Entries of a list of runs, experiments or traces. With 60,000 PostgreSQL was measured to need 82 MiB, with 5,000 it
# needs 10; from 65,536 on its protocol cannot pass them.
MOST_VALUES = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchBounds:
    """Bounds of one search. `refusal` makes the exception that MLflow answers with status 400."""

    characters: int
    clauses: int
    sort_keys: int
    refusal: Callable[[str], Exception]

    def refused(self, excess: str, setting: str) -> Exception:
        """The exception for a search that exceeds a bound, such as `a filter of 20 conditions`."""
        return self.refusal(f"The search has more than {excess} (server.bounds.{setting}).")


class Refused:
    """Result of the parser for a filter beyond the bounds: raises when its length is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __len__(self) -> NoReturn:
        raise self._error


def parse(original: Callable[..., Any], bounds: SearchBounds) -> Callable[..., Any]:
    """A parser like `original` (`sqlparse.parse`) that refuses texts beyond the bounds."""

    def bounded_parse(sql: Any, *arguments: Any, **named: Any) -> Any:
        # Before it is parsed: this takes up to 0.4 s for 10,000 characters.
        if len(sql) > bounds.characters:
            return Refused(
                bounds.refused(f"{bounds.characters} characters in a filter or sort key", "filterCharacters")
            )
        parsed = original(sql, *arguments, **named)
        if sum(map(_conditions, parsed)) > bounds.clauses:
            return Refused(bounds.refused(f"{bounds.clauses} conditions in a filter", "filterClauses"))
        return parsed

    return bounded_parse


def _conditions(statement: Any) -> int:
    """Number of comparisons in a statement; MLflow accepts them with and without AND between them."""
    return sum(map(_compares, statement.flatten()))


def _compares(token: Any) -> bool:
    # LIKE and its relatives are comparison operators, IN and IS are keywords.
    if str(token.ttype) == "Token.Operator.Comparison":
        return True
    return bool(token.is_keyword) and token.normalized.split()[-1] in {"IN", "IS"}


def bounded(method: Callable[..., Any], bounds: SearchBounds) -> Callable[..., Any]:
    """A method of a store that refuses lists beyond the bounds; `method` itself if it takes none of those lists."""
    signature = inspect.signature(method)
    limits = {name: limit for name in signature.parameters if (limit := _limit(method.__name__, name, bounds))}
    if not limits:
        return method

    @functools.wraps(method)
    def bounded_method(*arguments: Any, **named: Any) -> Any:
        try:
            passed = signature.bind(*arguments, **named).arguments
        except TypeError:
            # The method itself raises the same error.
            passed = {}
        for name, (most, error) in limits.items():
            entries = passed.get(name)
            if isinstance(entries, Sized) and not isinstance(entries, str) and len(entries) > most:
                raise error()
        return method(*arguments, **named)

    return bounded_method


def _limit(method: str, name: str, bounds: SearchBounds) -> tuple[int, Callable[[], Exception]] | None:
    """Maximum number of entries of a parameter, and the exception for more; None if the parameter has no bound."""
    if name == SORT_KEYS:
        return bounds.sort_keys, lambda: bounds.refused(f"{bounds.sort_keys} sort keys", "sortKeys")
    if name in CONDITIONS or (name == SEARCHED_DATASETS and method.startswith("search_")):
        return bounds.clauses, lambda: bounds.refused(f"{bounds.clauses} entries in {name}", "filterClauses")
    if name.endswith(_IDS) or name in VALUES:
        # The same for everybody: no setting makes PostgreSQL's protocol take many more.
        return MOST_VALUES, lambda: bounds.refusal(f"The request has more than {MOST_VALUES} entries in {name}.")
    return None


def install(parser: Any, stores: Iterable[type], bounds: SearchBounds) -> None:
    """Bound the searches of this process: those of the module `sqlparse`, and those of MLflow's store classes."""
    parser.parse = parse(parser.parse, bounds)
    for owner in dict.fromkeys(owner for store in stores for owner in store.__mro__):
        for name, method in [*vars(owner).items()]:
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(owner, name, bounded(method, bounds))
