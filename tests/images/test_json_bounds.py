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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_an_encoding_that_would_hide_brackets_in_texts_is_refused(encoding: str) -> None:
    body = '{"∢": [[[]]]}'.encode(encoding)
    assert json.loads(body)
    with pytest.raises(MalformedError, match="UTF-8"):
        scanned(body)


def test_a_document_within_a_text_is_refused_because_mlflow_would_parse_it() -> None:
    with pytest.raises(MalformedError, match="is a text"):
        scanned(b' \n"{}"')
    with pytest.raises(MalformedError, match="is a text"):
        scanned(b" " * 100 + b'"{}"', [50])
    scanned("\ufeff{}".encode())


def test_a_batch_of_a_thousand_metrics_is_far_from_the_bounds() -> None:
    metric = {"key": "loss", "value": 0.123, "timestamp": 1700000000000, "step": 7}
    batch = {"run_id": "a" * 32, "metrics": [metric] * 1000, "params": [metric] * 100, "tags": [metric] * 100}
    scan = scanned(json.dumps(batch).encode())
    assert scan.elements < 10_000
    assert scan.weight < 1024 * 1024
