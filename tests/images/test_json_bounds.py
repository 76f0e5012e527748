"""JSON is counted before it is parsed, however it is cut into pieces, and whatever is in its texts."""

import json
import random
from typing import Any, cast

import pytest
from asgi import limits
from mlflow_platform_server.json_bounds import JsonScan
from mlflow_platform_server.refusals import MalformedError, TooLargeError

TEXTS = ("", "a", '"', "\\", '\\"', "[", "]]", "{,}", "é\U0001f600", "\\\\", '"[', "\n\t\\u005b")


def document(random_: random.Random, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    kind = random_.choice(("text", "number", "list", "object") if depth < 6 else ("text", "number"))
    if kind == "text":
        return "".join(random_.choices(TEXTS, k=random_.randrange(4)))
    if kind == "number":
        return random_.choice((0, -1.5, 1e300, True, None))
    inner = [document(random_, depth + 1) for _ in range(random_.randrange(5))]
    return inner if kind == "list" else {f"{random_.choice(TEXTS)}{i}": child for i, child in enumerate(inner)}


def children(item: object) -> list[object]:
    if isinstance(item, dict):
        return list(cast("dict[str, object]", item).values())
    return cast("list[object]", item) if isinstance(item, list) else []


def values(item: object) -> int:
    return 1 + sum(map(values, children(item)))


def depth(item: object) -> int:
    return int(isinstance(item, (dict, list))) + max(map(depth, children(item)), default=0)


def scanned(body: bytes, cuts: list[int] | None = None, **changes: int) -> JsonScan:
    scan = JsonScan(limits(**changes))
    at = cuts or []
    for start, end in zip([0, *at], [*at, len(body)], strict=True):
        scan.feed(body[start:end])
    return scan


@pytest.mark.parametrize("seed", range(100))
def test_no_document_has_more_values_or_levels_than_were_counted(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    whole = [document(random_)]
    body = json.dumps(whole, ensure_ascii=random_.random() < 0.5, indent=random_.choice((None, 2))).encode()
    cuts = sorted(random_.choices(range(4, len(body)), k=random_.randrange(5))) if len(body) > 4 else []
    exact = {"json_depth": depth(whole)}
    counted = scanned(body, cuts, **exact).elements
    # Containers are counted, and what follows a comma: an empty one has less than that.
    assert values(whole) <= counted <= 2 * values(whole)
    with pytest.raises(TooLargeError, match="depth"):
        scanned(body, cuts, json_depth=depth(whole) - 1)


@pytest.mark.parametrize("seed", range(50))
def test_pieces_of_any_size_count_like_the_whole(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    body = json.dumps([document(random_) for _ in range(5)]).encode()
    cuts = sorted(random_.sample(range(4, len(body)), k=min(len(body) - 4, 30)))
    assert scanned(body, cuts).elements == scanned(body).elements


@pytest.mark.parametrize(
    ("bomb", "named"),
    [
        (b"[" * 65, "jsonDepth"),
        (b'{"a":' * 65, "jsonDepth"),
        (b'[{"a":' * 33, "jsonDepth"),
        (b"[" + b"[]," * 60_000, "jsonElements"),
        (b"[" + b"0," * 100_001, "jsonElements"),
        (b'{"' + b'":[],"' * 100_001, "jsonElements"),
        (b'{"a":"' + b"[]," * 500_001, "textElements"),
        (b'{"a":"' + b"\\u005b" * 1_000_200, "textElements"),
    ],
    ids=["lists", "objects", "both", "wide", "numbers", "keys", "a text", "an escaped text"],
)
def test_a_bomb_is_refused_at_a_bound_that_the_message_names(bomb: bytes, named: str) -> None:
    with pytest.raises(TooLargeError, match=rf"server\.bounds\.{named}"):
        scanned(bomb, list(range(65536, len(bomb), 65536)))


def test_levels_that_are_closed_do_not_count() -> None:
    scanned(b"[" + b"[[]]," * 1000 + b"0]", json_depth=3)
    with pytest.raises(TooLargeError, match="depth"):
        scanned(b"[" + b"[[]]," * 1000 + b"0]", json_depth=2)


ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
# White space of JSON, and what other parsers drop at the beginning.
SPACES = (*"\t\n\r \x00\x0b\x0c\x1c\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u3000", "\ufeff", "\u200b", "\ud800", "")
INNER = '{"user_id": "mallory"}'
BODIES = (
    *(INNER, "[]", "[[]]", '{"∢": [[[]]]}', json.dumps(INNER), json.dumps(json.dumps(INNER)), '"{}"', "''", "'{}'"),
    *("null", "true", "NaN", "-Infinity", "0", "-1.5", '{"a": NaN, "a": -Infinity}', '["\\ud800"]', '["\ud800"]'),
    *("", "{", "//\n{}", "/**/{}", "{}{}", '{}"{}"', ")]}'\n{}", "\x1e{}"),
)


def beginnings() -> list[bytes]:
    """Bodies of every kind, in every encoding, behind up to two characters that some parser may drop."""
    spaces = [first + second for first in ("", " ", "\ufeff") for second in SPACES]
    bodies = [
        (before + body).encode(encoding, "surrogatepass")
        for before in [*spaces, " " * 100, "\ufeff" + " " * 100]
        for body in BODIES
        for encoding in ENCODINGS
    ]
    return [*bodies, *(b"\xef\xbb\xbf" + body for body in bodies)]


def accepts(body: bytes, cuts: list[int] | None = None) -> bool:
    try:
        scanned(body, cuts)
    except MalformedError:
        return False
    return True


def test_whatever_is_parsed_after_the_scan_is_an_object_or_a_list_whose_first_byte_was_seen() -> None:
    """MLflow parses a text again, and the authorization plugin, which sets the user of a run, does not."""
    accepted = 0
    for body in beginnings():
        if not accepts(body):
            continue
        try:
            parsed = json.loads(body)
        except ValueError:
            continue
        assert isinstance(parsed, (dict, list)), body
        assert json.loads(body.decode("utf-8", "surrogatepass")) == parsed
        assert body.lstrip(b" \t\n\r")[0] in b"[{"
        accepted += 1
    assert accepted > 50


@pytest.mark.parametrize("space", ["", " ", "\t\n\r ", " " * 70_000])
@pytest.mark.parametrize("body", ["{}", "[]", INNER, '{"a": NaN, "a": ["\ud800"]}'])
def test_an_object_behind_white_space_of_json_is_accepted_however_it_is_cut(space: str, body: str) -> None:
    whole = (space + body).encode("utf-8", "surrogatepass")
    assert accepts(whole)
    assert accepts(whole, [len(space) - 1] if len(space) > 2 else [])
    assert accepts(space.encode())


@pytest.mark.parametrize("before", [" " * 100, " " * 65_536, "\ufeff", "\ufeff" + " " * 100])
def test_a_document_within_a_text_is_refused_however_it_is_cut(before: str) -> None:
    body = (before + '"{}"').encode()
    for cut in (2, 50, len(body) - 4, len(body) - 3):
        assert not accepts(body, [min(cut, len(body))])


def test_a_batch_of_a_thousand_metrics_is_far_from_the_bounds() -> None:
    metric = {"key": "loss", "value": 0.123, "timestamp": 1700000000000, "step": 7}
    batch = {"run_id": "a" * 32, "metrics": [metric] * 1000, "params": [metric] * 100, "tags": [metric] * 100}
    scan = scanned(json.dumps(batch).encode())
    assert scan.elements < 10_000
    assert scan.weight < 1024 * 1024
