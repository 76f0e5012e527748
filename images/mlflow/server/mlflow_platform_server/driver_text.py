"""Texts of errors: which of them describe the inside of the platform, and what clients are told instead.

SQL statements with all their values, addresses of the database and of the artifact store, and stack traces are for the
server's log.
"""

import re

UNSTORABLE = "A text contains the character U+0000, which PostgreSQL cannot store."
# The same for an ID that exists in another workspace as for one that does not exist.
NOT_FOUND = "The request names an object that does not exist."
UNAVAILABLE = "The database is not available at the moment. Try again."
# MLflow looks for this word to repeat the transaction.
DEADLOCK = "The database ended a deadlock of several requests. Try again."
LOCKED = "Another change of the same data takes too long. Try again."
SLOW_CHANGE = "The database did not finish the change in time. Try again."
# Not to be repeated: each try would take the database the same time, and end in the same way.
SLOW_SEARCH = (
    "The database needs more than {seconds} s for this search (server.bounds.statementSeconds). Ask for less: fewer "
    "conditions and sort keys, fewer experiments, or a shorter time."
)
LARGE_SEARCH = (
    "The search has to sort more than the database allows. Ask for less: fewer experiments, or a shorter time."
)
TOO_LONG = "A text is longer than the database stores."
OUT_OF_RANGE = "A number is out of the range that the database stores."
INVALID = "A value is missing, or is not allowed where the request has it."
REFUSED = "A value of the request has a type that does not fit."

# Answers with status 503 that clients are told as they are.
RETRIED = frozenset({UNAVAILABLE, DEADLOCK, LOCKED, SLOW_CHANGE})

_INSIDE = re.compile(
    r"""
    \((?:psycopg2?|sqlite3|builtins|pymysql)\.[\w.]+\)  # SQLAlchemy's text begins with the driver's exception
    | psycopg\.\w+ | sqlalchemy\.exc | sqlalche\.me
    | \[SQL: | \[parameters: | Background\ on\ this\ error\ at
    | Traceback\ \(most\ recent\ call\ last\) | File\ "/ | site-packages/ | /opt/mlflow/
    | connection\ to\ server\ at | connection\ failed:
    | ://[^/\s@:]{1,200}:[^/\s@]{0,200}@
    | postgres(?:ql)?(?:\+\w+)?://
    | botocore\. | when\ calling\ the\ \w+\ operation | Could\ not\ connect\ to\ the\ endpoint | HTTPS?ConnectionPool
    | \.svc\.cluster\.local | \b\d{1,3}(?:\.\d{1,3}){3}:\d{2,5}\b
    """,
    re.VERBOSE,
)
# What MLflow writes between its own sentence and the driver's.
_LINKS = ("Error", "error", "Details", "Reason", "Caused by", "due to", "because")
_PUNCTUATION = " \t\r\n:;,(-"
_DUPLICATE, _FOREIGN_KEY, _NO_PRIVILEGE = "23505", "23503", "42501"
_NUL_STATES = frozenset({"22021", "22P05"})
_TEXT_TOO_LONG, _NUMBER_OUT_OF_RANGE = "22001", "22003"
_CANCELLED, _NO_LOCK, _NO_SPACE_FOR_SORTING = "57014", "55P03", "53400"
_TRANSIENT = frozenset({"OperationalError", "InterfaceError", "TimeoutError", "DisconnectionError"})


def describes_inside(text: str) -> bool:
    """True if a text has parts that are for the server's log only."""
    return _INSIDE.search(text) is not None


def outside(text: str) -> str:
    """The beginning of `text`, up to what is for the server's log only; empty if `text` starts with such a part."""
    match = _INSIDE.search(text)
    if match is None:
        return text
    sentence = text[: match.start()].rstrip(_PUNCTUATION)
    for link in _LINKS:
        sentence = sentence.removesuffix(link).rstrip(_PUNCTUATION)
    return sentence.strip()


def answer(kind: str, state: str | None, text: str, *, changes: bool = True, seconds: int = 0) -> tuple[str, str]:
    """MLflow's error code and the message for an error of the database.

    Args:
        kind: name of SQLAlchemy's exception.
        state: SQLSTATE of PostgreSQL; None if the error comes from elsewhere.
        text: text of the error.
        changes: True if the request wanted to change something, so that its client has to try again.
        seconds: bound of the statement's time.
    """
    if state in {_NO_LOCK, _CANCELLED, _NO_SPACE_FOR_SORTING}:
        return _beyond_bounds(state, changes=changes, seconds=seconds)
    if state in _NUL_STATES or "NUL (0x00)" in text:
        return "INVALID_PARAMETER_VALUE", UNSTORABLE
    if state in {_DUPLICATE, _FOREIGN_KEY, _NO_PRIVILEGE} or "UNIQUE constraint" in text or "FOREIGN KEY" in text:
        return "RESOURCE_DOES_NOT_EXIST", NOT_FOUND
    if kind in _TRANSIENT:
        return "TEMPORARILY_UNAVAILABLE", DEADLOCK if "deadlock" in text.lower() else UNAVAILABLE
    if kind in {"IntegrityError", "DataError"}:
        messages = {_TEXT_TOO_LONG: TOO_LONG, _NUMBER_OUT_OF_RANGE: OUT_OF_RANGE} if kind == "DataError" else {}
        return "INVALID_PARAMETER_VALUE", messages.get(state or "", REFUSED if kind == "DataError" else INVALID)
    # As MLflow has it: nearly always a value that the client sent with another type.
    return "BAD_REQUEST", REFUSED


def _beyond_bounds(state: str | None, *, changes: bool, seconds: int) -> tuple[str, str]:
    """The same for a statement that PostgreSQL ended because of a bound (`database_scope.settings`)."""
    if state == _NO_LOCK or changes:
        return "TEMPORARILY_UNAVAILABLE", LOCKED if state == _NO_LOCK else SLOW_CHANGE
    return "INVALID_PARAMETER_VALUE", LARGE_SEARCH if state != _CANCELLED else SLOW_SEARCH.format(seconds=seconds)
