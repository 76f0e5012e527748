"""Texts of errors: recognises those that describe the inside of the platform, and replaces them for clients.

SQL statements with all their values, addresses of the database and of the artifact store, and stack traces are for the
server's log.
"""

import re

UNSTORABLE = "A text in the request contains the character U+0000, which PostgreSQL cannot store. Remove it."
# The same for an ID that exists in another workspace as for one that does not exist.
NOT_FOUND = "The request names an object that does not exist."
UNAVAILABLE = "The database is not available at the moment. Try again."
# MLflow looks for this word to repeat the transaction.
DEADLOCK = "The database cancelled this request to end a deadlock with another one. Try again."
LOCKED = "Another request is changing the same data and has not finished in time. Try again."
SLOW_CHANGE = "The database did not finish the change in time. Try again."
# Not to be repeated: each try would take the database the same time, and end in the same way.
SLOW_SEARCH = (
    "The database needs more than {seconds} s for this search (server.bounds.statementSeconds). Ask for less: fewer "
    "conditions and sort keys, fewer experiments, or a shorter time range."
)
LARGE_SEARCH = (
    "The search has to sort more than the database allows. Ask for less: fewer experiments, or a shorter time range."
)
TOO_LONG = "A text in the request is longer than the database stores. Shorten it."
OUT_OF_RANGE = "A number in the request is outside the range that the database stores."
TOO_COMPLEX = "The request is too large for the database: shorten its texts and lists, or ask for less."
INVALID = "The request lacks a required field, or a field has a value that the database does not allow."
REFUSED = "A field of the request has a value of the wrong type, such as a text in place of a number."
# Fault of the server: clients are told no more than `errors.INTERNAL`.
FAILED = "The server used the database in a way that it does not allow."

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
_DEADLOCK = "40P01"
_TRANSIENT = frozenset({"OperationalError", "InterfaceError", "TimeoutError", "DisconnectionError"})
# Classes of SQLSTATE whose errors pass: connections, conflicts of transactions, resources, states of objects, operators
# (restarts), files and locks of the server itself.
_PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58", "F0"})
# Of the class "invalid transaction state", which otherwise is the server's own fault: a connection to a standby, and a
# transaction that PostgreSQL ended because its thread did not get on.
_PASSING_STATES = frozenset({"25006", "25P03", "25P04"})
# Limits of PostgreSQL's own, such as the size of an entry in an index, or the depth of an expression.
_PROGRAM_LIMIT_CLASS = "54"
# Tables, columns, schemas and prepared statements that the server expects and the database does not have.
_MISSING = frozenset({"42P01", "42703", "3F000", "26000"})


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
        changes: True if the request would have changed something, so that its client has to try again.
        seconds: bound of the statement's time.
    """
    if state in {_NO_LOCK, _CANCELLED, _NO_SPACE_FOR_SORTING}:
        return _beyond_bounds(state, changes=changes, seconds=seconds)
    return _of_request(kind, state, text) or _of_server(kind, state, text) or ("BAD_REQUEST", REFUSED)


def _beyond_bounds(state: str | None, *, changes: bool, seconds: int) -> tuple[str, str]:
    """The answer for a statement that PostgreSQL ended because of a bound (`database_scope.settings`)."""
    if state == _NO_LOCK or changes:
        return "TEMPORARILY_UNAVAILABLE", LOCKED if state == _NO_LOCK else SLOW_CHANGE
    return "INVALID_PARAMETER_VALUE", LARGE_SEARCH if state != _CANCELLED else SLOW_SEARCH.format(seconds=seconds)


def _of_request(kind: str, state: str | None, text: str) -> tuple[str, str] | None:
    """The answer to an error that the request certainly caused."""
    message = None
    if state in _NUL_STATES or "NUL (0x00)" in text:
        message = UNSTORABLE
    elif state in {_DUPLICATE, _FOREIGN_KEY, _NO_PRIVILEGE} or "UNIQUE constraint" in text or "FOREIGN KEY" in text:
        return "RESOURCE_DOES_NOT_EXIST", NOT_FOUND
    elif state and state.startswith(_PROGRAM_LIMIT_CLASS):
        message = TOO_COMPLEX
    elif kind == "IntegrityError":
        message = INVALID
    elif kind == "DataError":
        message = {_TEXT_TOO_LONG: TOO_LONG, _NUMBER_OUT_OF_RANGE: OUT_OF_RANGE}.get(state or "", REFUSED)
    return None if message is None else ("INVALID_PARAMETER_VALUE", message)


def _of_server(kind: str, state: str | None, text: str) -> tuple[str, str] | None:
    """The answer to an error that the request did not cause.

    None for errors that MLflow calls BAD_REQUEST: nearly always a value that the client sent with the wrong type.
    """
    if kind in _TRANSIENT or (state and (state[:2] in _PASSING_CLASSES or state in _PASSING_STATES)):
        deadlock = state == _DEADLOCK or "deadlock" in text.lower()
        return "TEMPORARILY_UNAVAILABLE", DEADLOCK if deadlock else UNAVAILABLE
    return ("INTERNAL_ERROR", FAILED) if kind == "InternalError" or state in _MISSING else None
