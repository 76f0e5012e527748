"""Bodies of errors: they contain what helps the client, and nothing about the inside of the platform."""

import asyncio
import json
import logging
import time
from typing import Any

import pytest
from mlflow_platform_server import driver_text
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.driver_text import answer, describes_inside, outside
from mlflow_platform_server.errors import LONGEST_BODY, ErrorBodies, replaced
from mlflow_platform_server.scope import KEY, RequestFacts

NUL = (
    "(psycopg.DataError) PostgreSQL text fields cannot contain NUL (0x00) bytes\n"
    "[SQL: INSERT INTO params VALUES (%(key)s, %(value)s)]\n[parameters: {'key': 'k', 'value': 'secret'}]\n"
    "(Background on this error at: https://sqlalche.me/e/21/9h9h)"
)
INSIDE = [
    NUL,
    "(psycopg.errors.UniqueViolation) duplicate key value violates unique constraint",
    "(sqlite3.OperationalError) database is locked",
    "[SQL: SELECT 1]",
    'connection to server at "postgres.mlflow.svc.cluster.local", port 5432 failed',
    "postgresql+psycopg://mlflow:secret@postgres/mlflow",
    "http://user:secret@store/bucket",
    'Traceback (most recent call last):\n  File "/opt/mlflow/x.py"',
    "/opt/mlflow/lib/python3.13/site-packages/mlflow/store/x.py",
    "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
    'Could not connect to the endpoint URL: "http://seaweedfs:8333/mlflow"',
    "HTTPConnectionPool(host='store', port=8333): Max retries exceeded",
    "10.0.3.7:5432 refused",
]


def document(message: str, code: str = "BAD_REQUEST") -> bytes:
    return json.dumps({"error_code": code, "message": message}).encode()


def ask(
    status: int,
    body: bytes,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    failure: Exception | None = None,
    pieces: int = 1,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer of an application that answers, and may fail afterwards."""
    sent: list[dict[str, Any]] = []
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        assert scope
        assert receive
        if status:
            await send({"type": "http.response.start", "status": status, "headers": pairs})
            size = max(1, -(-len(body) // pieces))
            parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
            for number, part in enumerate(parts):
                more = number < len(parts) - 1
                await send({"type": "http.response.body", "body": part, "more_body": more})
        if failure:
            raise failure

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    scope: Message = {"type": "http", "method": method, KEY: RequestFacts(id="the-id")}
    asyncio.run(ErrorBodies(application)(scope, receive, send))
    assert [message["type"] for message in sent].count("http.response.start") == 1
    named = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], named, b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("text", INSIDE)
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_nothing_about_the_inside_reaches_the_client(text: str, status: int) -> None:
    for body in (document(text), json.dumps({"detail": [{"msg": text}]}).encode(), text.encode()):
        got, headers, said = ask(status, body)
        assert got == status
        assert headers["content-type"] == "application/json"
        assert headers["content-length"] == str(len(said))
        message = json.loads(said)["message"]
        assert not describes_inside(message)
        assert "secret" not in message
        assert "the-id" in message


@pytest.mark.parametrize("text", INSIDE)
def test_the_full_text_is_in_the_servers_log_under_the_same_id(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        ask(400, text.encode())
    (entry,) = caplog.messages
    assert "the-id" in entry
    assert text[:20] in entry
    assert "\n" not in entry


def test_an_escape_does_not_hide_what_a_text_says() -> None:
    assert b"SQL" not in ask(400, rb'{"message": "\u005bSQL: SELECT 1]"}')[2]


@pytest.mark.parametrize("status", [200, 304, 400, 401, 403, 404, 413, 429])
def test_an_answer_without_such_a_text_arrives_as_it_is(status: int) -> None:
    body = document("Invalid value for parameter 'max_results': -1", "INVALID_PARAMETER_VALUE")
    got, headers, said = ask(status, body, headers={"Content-Type": "application/json", "X-Other": "1"}, pieces=3)
    assert (got, said) == (status, body)
    assert headers == {"content-type": "application/json", "x-other": "1"}


def test_a_success_may_say_anything() -> None:
    assert ask(200, NUL.encode())[2] == NUL.encode()


def test_the_code_and_the_sentence_of_mlflow_are_kept() -> None:
    body = document(f"Experiment(name=a) already exists. Error: {NUL}", "RESOURCE_ALREADY_EXISTS")
    said = json.loads(ask(400, body)[2])
    assert said["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert said["message"] == "Experiment(name=a) already exists. Request ID: the-id"


def test_every_answer_of_a_failure_is_replaced() -> None:
    status, _, said = ask(500, document("harmless, as far as anybody knows", "INTERNAL_ERROR"))
    assert status == 500
    assert "harmless" not in said.decode()
    assert json.loads(said)["error_code"] == "INTERNAL_ERROR"


def test_an_unavailable_database_asks_to_try_again() -> None:
    body = document(driver_text.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
    status, headers, said = ask(503, body)
    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert json.loads(said)["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert driver_text.UNAVAILABLE in json.loads(said)["message"]


def test_a_handler_that_fails_without_an_answer_gets_one() -> None:
    status, _, said = ask(0, b"", failure=RuntimeError("secret"))
    assert status == 500
    assert "secret" not in said.decode()
    assert "the-id" in json.loads(said)["message"]


def test_a_framework_that_answers_and_raises_again_has_answered() -> None:
    assert ask(500, b"Internal Server Error", failure=RuntimeError("secret"))[0] == 500


def test_an_answer_that_breaks_off_is_broken_off() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        assert scope
        assert receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise OSError

    async def nothing(*_: object) -> Message:
        return {}

    scope: Message = {"type": "http", "method": "GET", KEY: RequestFacts(id="1")}
    with pytest.raises(OSError):  # noqa: PT011 - the application's own, with no text
        asyncio.run(ErrorBodies(application)(scope, nothing, nothing))  # type: ignore[arg-type]


def test_an_error_that_is_compressed_or_without_end_is_replaced_unseen() -> None:
    assert b"the-id" in ask(400, b"\x1f\x8b", headers={"Content-Encoding": "gzip"})[2]
    status, headers, said = ask(404, b"x" * (LONGEST_BODY * 2), pieces=8)
    assert status == 404
    assert headers["content-length"] == str(len(said))
    assert b"the-id" in said


def test_a_head_request_gets_no_body() -> None:
    assert ask(500, b"", method="HEAD")[2] == b""


@pytest.mark.parametrize(
    "text", ["a" * LONGEST_BODY, "a+" * 100_000, "://" * 80_000, " " * LONGEST_BODY, "(psycopg." * 9000]
)
def test_looking_at_a_text_takes_time_in_proportion_to_its_length(text: str) -> None:
    start = time.process_time()
    outside(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("kind", "state", "text", "code", "message"),
    [
        ("DataError", None, NUL, "INVALID_PARAMETER_VALUE", driver_text.UNSTORABLE),
        ("DataError", "22P05", "unsupported Unicode escape", "INVALID_PARAMETER_VALUE", driver_text.UNSTORABLE),
        ("DataError", "22001", "too long", "INVALID_PARAMETER_VALUE", driver_text.TOO_LONG),
        ("DataError", "22003", "out of range", "INVALID_PARAMETER_VALUE", driver_text.OUT_OF_RANGE),
        ("IntegrityError", "23505", "duplicate key", "RESOURCE_DOES_NOT_EXIST", driver_text.NOT_FOUND),
        ("IntegrityError", "23503", "foreign key", "RESOURCE_DOES_NOT_EXIST", driver_text.NOT_FOUND),
        ("IntegrityError", "23502", "null value", "INVALID_PARAMETER_VALUE", driver_text.INVALID),
        ("IntegrityError", None, "UNIQUE constraint failed", "RESOURCE_DOES_NOT_EXIST", driver_text.NOT_FOUND),
        ("ProgrammingError", "42501", "row-level security", "RESOURCE_DOES_NOT_EXIST", driver_text.NOT_FOUND),
        ("ProgrammingError", "42883", "operator does not exist", "BAD_REQUEST", driver_text.REFUSED),
        ("OperationalError", "57P01", "terminating", "TEMPORARILY_UNAVAILABLE", driver_text.UNAVAILABLE),
        ("OperationalError", "40P01", "deadlock detected", "TEMPORARILY_UNAVAILABLE", driver_text.DEADLOCK),
        ("OperationalError", "55P03", "lock timeout", "TEMPORARILY_UNAVAILABLE", driver_text.LOCKED),
        ("OperationalError", "57014", "statement timeout", "TEMPORARILY_UNAVAILABLE", driver_text.SLOW_CHANGE),
        ("OperationalError", "53400", "temp_file_limit", "TEMPORARILY_UNAVAILABLE", driver_text.SLOW_CHANGE),
        ("TimeoutError", None, "QueuePool limit", "TEMPORARILY_UNAVAILABLE", driver_text.UNAVAILABLE),
    ],
)
def test_each_kind_of_database_error_has_one_answer(
    kind: str, state: str | None, text: str, code: str, message: str
) -> None:
    assert answer(kind, state, text) == (code, message)
    assert not describes_inside(message)


# The SQLSTATEs that psycopg 3.3.9 knows of these classes, by the exception that SQLAlchemy raises for them.
STATES = {
    "OperationalError": (
        *("08000", "08001", "08003", "08004", "08006", "08007", "08P01", "27000", "28000", "28P01", "3B000", "3B001"),
        *("40000", "40001", "40002", "40003", "40P01", "53000", "53100", "53200", "53300", "53400"),
        *("54000", "54001", "54011", "54023", "55000", "55006", "55P02", "55P03", "55P04"),
        *("57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030", "58P01", "58P02", "58P03"),
        *("F0000", "F0001"),
    ),
    "InternalError": (
        *("24000", "25000", "25001", "25002", "25003", "25004", "25005", "25006", "25007", "25008"),
        *("25P01", "25P02", "25P03", "25P04", "2B000", "2BP01", "2D000", "XX000", "XX001", "XX002"),
    ),
}
# A search that reaches a bound does so again, and so does a request that PostgreSQL cannot process.
OWN_FAULT = {"54000", "54001", "54011", "54023"}
SERVERS_FAULT = set(STATES["InternalError"]) - {"25006", "25P03", "25P04"}


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, states in STATES.items() for state in states])
def test_an_error_that_is_no_fault_of_the_request_is_never_answered_as_one(
    kind: str, state: str, *, changes: bool
) -> None:
    code, message = answer(kind, state, "terminating connection", changes=changes, seconds=30)
    statuses = {"TEMPORARILY_UNAVAILABLE": 503, "INTERNAL_ERROR": 500, "INVALID_PARAMETER_VALUE": 400}
    bounded = state in {"57014", "53400"} and not changes
    expected = 400 if state in OWN_FAULT or bounded else 500 if state in SERVERS_FAULT else 503
    assert statuses[code] == expected
    _, headers, said = ask(expected, document(message, code))
    assert ("retry-after" in headers) == (expected == 503)
    assert json.loads(said)["error_code"] == code
    assert not describes_inside(said.decode())


@pytest.mark.parametrize("state", ["42P01", "42703", "3F000", "26000"])
def test_a_table_or_column_that_the_database_lacks_is_no_fault_of_the_request(state: str) -> None:
    assert answer("ProgrammingError", state, "does not exist")[0] == "INTERNAL_ERROR"


def test_a_search_that_takes_too_long_is_not_repeated_by_the_client() -> None:
    code, message = driver_text.answer("OperationalError", "57014", "statement timeout", changes=False, seconds=30)
    # Clients repeat what is answered with 503: seven times 30 seconds of the database.
    assert code == "INVALID_PARAMETER_VALUE"
    assert "30 s" in message
    assert "server.bounds.statementSeconds" in message
    assert driver_text.answer("OperationalError", "53400", "temp_file_limit", changes=False)[0] == code
    # A wait for another one's lock is no fault of the search.
    assert driver_text.answer("OperationalError", "55P03", "lock", changes=False)[0] == "TEMPORARILY_UNAVAILABLE"


def test_what_a_client_is_to_repeat_keeps_its_reason() -> None:
    for reason in driver_text.RETRIED:
        replacement = replaced(503, {}, document(reason, "TEMPORARILY_UNAVAILABLE"))
        assert replacement == ("TEMPORARILY_UNAVAILABLE", reason)


def test_mlflow_recognises_a_deadlock_by_the_word() -> None:
    """It repeats the transaction then."""
    assert "deadlock" in driver_text.DEADLOCK.lower()
