"""Bounds of searches, with stand-ins for the parser and for MLflow's stores."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow_platform_server import filters

BOUNDS = filters.SearchBounds(characters=100, clauses=3, sort_keys=2, refusal=ValueError)


@dataclass(slots=True)
class Token:
    """A token of a parsed filter."""

    ttype: str
    normalized: str
    is_keyword: bool = False


@dataclass(slots=True)
class Statement:
    """A parsed filter, whose words are tokens."""

    words: list[str]

    def flatten(self) -> list[Token]:
        """All tokens."""
        kinds = {"=": "Token.Operator.Comparison", "LIKE": "Token.Operator.Comparison"}
        return [
            Token(kinds.get(word, "Token.Name"), word, word in {"IN", "IS", "NOT IN", "AND"}) for word in self.words
        ]


@dataclass
class Parser:
    """A parser that records what it reads."""

    read: list[str] = field(default_factory=list[str])

    def parse(self, sql: str) -> list[Statement]:
        """One statement for each part of the text that ends with a semicolon."""
        self.read.append(sql)
        return [Statement(part.split(" ")) for part in sql.split(";")]


class Base:
    """Methods that a store inherits."""

    def search_runs(self, experiment_ids: list[str], filter_string: str = "", order_by: Any = None) -> str:  # noqa: ANN401 - as MLflow's
        """A search."""
        return f"{len(experiment_ids)} {filter_string} {order_by}"

    def log_inputs(self, run_id: str, datasets: list[str]) -> int:
        """A method that writes and does not search."""
        return len([run_id, *datasets])


class Store(Base):
    """A store, in which a method is overridden."""

    def query_metrics(self, filters: list[str], *, dimensions: list[str] | None = None) -> int:
        """A query with many filters."""
        return len(filters) + len(dimensions or [])

    def search_models(self, datasets: list[str]) -> int:
        """A search with datasets as conditions."""
        return len(datasets)


@pytest.fixture
def store() -> Any:  # noqa: ANN401 - has methods of MLflow's
    """A store with bounds."""
    base = type("Base", (), dict(vars(Base)))
    bounded = type("Store", (base,), dict(vars(Store)))
    filters.install(Parser(), [bounded], BOUNDS)
    return bounded()


def judged(text: str) -> Any:  # noqa: ANN401 - what the parser returns
    return filters.parse(Parser().parse, BOUNDS)(text)


def test_a_filter_within_the_bounds_is_parsed_as_ever() -> None:
    assert judged("a = 1 AND b = 2 AND c LIKE x") == Parser().parse("a = 1 AND b = 2 AND c LIKE x")


@pytest.mark.parametrize(
    "text",
    [
        "a = 1 AND b = 2 AND c = 3 AND d = 4",
        # MLflow also takes conditions without AND, and those with keywords instead of operators.
        "a = 1 b = 2 c = 3 d = 4",
        "a IN (1) AND b IS NULL AND c NOT IN (2) AND d LIKE e",
        "a = 1 AND b = 2;c = 3 AND d = 4",
    ],
)
def test_a_filter_of_too_many_conditions_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"more than 3 conditions in a filter \(server\.bounds\.filterClauses\)"):
        len(judged(text))


def test_a_filter_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    parser = Parser()
    refused: Any = filters.parse(parser.parse, BOUNDS)("a" * 101)
    with pytest.raises(ValueError, match=r"100 characters .*\(server\.bounds\.filterCharacters\)"):
        len(refused)
    assert parser.read == []


def test_a_refusal_waits_until_the_result_is_looked_at() -> None:
    # MLflow replaces exceptions of the parser itself with one that repeats the whole filter.
    judged("a" * 101)


@pytest.mark.parametrize(
    ("method", "arguments", "named", "refusal"),
    [
        ("search_runs", (["1"], "", ["a", "b", "c"]), {}, r"2 sort keys \(server\.bounds\.sortKeys\)"),
        ("search_runs", (["1"],), {"order_by": ["a", "b", "c"]}, "2 sort keys"),
        ("search_runs", (["1"] * (filters.MOST_VALUES + 1),), {}, "5000 entries in experiment_ids"),
        ("query_metrics", (["a"] * 4,), {}, r"3 entries in filters \(server\.bounds\.filterClauses\)"),
        ("query_metrics", (["a"],), {"dimensions": ["a"] * 4}, "3 entries in dimensions"),
        ("search_models", (["a"] * 4,), {}, "3 entries in datasets"),
    ],
)
def test_lists_beyond_the_bounds_are_refused_however_they_are_passed(
    store: Any,  # noqa: ANN401 - has methods of MLflow's
    method: str,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    refusal: str,
) -> None:
    with pytest.raises(ValueError, match=refusal):
        getattr(store, method)(*arguments, **named)


def test_everything_else_reaches_the_store(store: Any) -> None:  # noqa: ANN401 - has methods of MLflow's
    assert store.search_runs(["1"], filter_string="x", order_by=["a", "b"]) == "1 x ['a', 'b']"
    assert store.search_runs(["1"] * filters.MOST_VALUES) == f"{filters.MOST_VALUES}  None"
    assert store.query_metrics(["a"] * 3) == 3
    assert store.log_inputs("run", ["a"] * 50) == 51
    with pytest.raises(TypeError):
        store.search_runs()


def test_a_shared_base_is_bounded_once() -> None:
    base = type("Base", (), dict(vars(Base)))
    stores = [type("One", (base,), {}), type("Two", (base,), {})]
    filters.install(Parser(), stores, BOUNDS)
    method: Any = vars(base)["search_runs"]
    assert not hasattr(method.__wrapped__, "__wrapped__")


def test_the_module_itself_is_bounded() -> None:
    module: Any = SimpleNamespace(parse=Parser().parse)
    filters.install(module, [], BOUNDS)
    with pytest.raises(ValueError, match="conditions"):
        len(module.parse("a = 1 AND b = 2 AND c = 3 AND d = 4"))
