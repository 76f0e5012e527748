"""The census of sources: its findings, and its comparison of them with the reviewed list."""

import tomllib

import pytest
from mlflow_platform_server import mutable_state, state_census

CASES = {
    "CACHE = TTLCache(10, 60)": {"CACHE"},
    "CACHE: TTLCache = cachetools.TTLCache(10, 60)": {"CACHE"},
    "names = _NameCache()": {"names"},
    "SCOPE = ContextVar('scope')": {"SCOPE"},
    "POOL = ThreadPoolExecutor(4)": {"POOL"},
    "SEEN = set()": {"SEEN"},
    "SEEN = {}": {"SEEN"},
    "TABLE = {'a': 1}": set[str](),
    "TABLE = {'a': 1}\ndef f():\n    TABLE['b'] = 2": {"TABLE"},
    "LIST = [1]\ndef f():\n    LIST.append(2)": {"LIST"},
    "store = None\ndef f():\n    global store\n    store = 1": {"store"},
    "def f():\n    local = {}\n    local['a'] = 1": set[str](),
    "class A:\n    engines = {}": {"A.engines"},
    "class A:\n    def __init__(self):\n        self.cache = TTLCache(1, 1)": {"A.__init__: cache"},
    "@lru_cache(maxsize=1)\ndef f(): ...": {"f"},
    "class A:\n    @functools.cache\n    def f(self): ...": {"A.f"},
    "def f():\n    os.environ['A'] = '1'": {"f: os.environ"},
    "def f():\n    del os.environ['A']": {"f: os.environ"},
    "def f():\n    os.environ.pop('A')": {"f: os.environ"},
    "def f():\n    return os.environ['A']": set[str](),
    "async def f():\n    MLFLOW_WORKSPACE.set('a')": {"f: MLFLOW_WORKSPACE.set"},
    "def f(session):\n    session.merge(row)": {"f: session.merge"},
}


@pytest.mark.parametrize("source", CASES)
def test_what_lives_longer_than_a_request_is_found(source: str) -> None:
    assert mutable_state.found(source) == CASES[source]


REVIEWED = [
    {"module": "a.py", "names": ["x", "y"]},
    {"module": "b/", "whole": True},
    {"module": "c.py", "names": ["new"], "since": "2"},
    {"module": "c.py", "names": ["old"], "until": "1"},
]
STATE = {"a.py": {"x", "y"}, "b/one.py": {"z"}, "c.py": {"new"}}


def test_a_list_that_names_everything_has_no_complaints() -> None:
    assert state_census.complaints(STATE, REVIEWED) == []


def test_unknown_and_vanished_state_is_named() -> None:
    state = {**STATE, "a.py": {"x", "unknown"}, "d.py": {"w"}}
    assert state_census.complaints(state, REVIEWED) == [
        "not reviewed: a.py unknown",
        "not reviewed: d.py w",
        "gone: a.py y",
    ]
    assert state_census.complaints({"a.py": {"x", "y"}, "c.py": {"new"}}, REVIEWED) == ["gone: b/"]


def test_an_older_release_may_lack_what_is_newer_and_have_what_is_gone() -> None:
    older = {**STATE, "c.py": {"old"}}
    assert state_census.complaints(older, REVIEWED, old=True) == []
    assert state_census.complaints(older, REVIEWED) == ["not reviewed: c.py old", "gone: c.py new"]


def test_every_entry_of_the_list_says_why() -> None:
    entries = tomllib.loads(state_census.LIST.read_text())["reviewed"]
    assert entries
    for entry in entries:
        assert entry["verdict"]
        assert entry["why"].endswith(".")
        assert entry.get("whole") or entry["names"]
