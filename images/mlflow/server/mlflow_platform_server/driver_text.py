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
TOO_LONG = "A text is longer than the database stores."
OUT_OF_RANGE = "A number is out of the range that the database stores."
INVALID = "A value is missing, or is not allowed where the request has it."
REFUSED = "A value of the request has a type that does not fit."

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


def answer(kind: str, state: str | None, text: str) -> tuple[str, str]:
    """MLflow's error code and the message for an error of the database.

    Args:
        kind: name of SQLAlchemy's exception.
        state: SQLSTATE of PostgreSQL; None if the error comes from elsewhere.
        text: text of the error.
    """
    if state in _NUL_STATES or "NUL (0x00)" in text:
        return "INVALID_PARAMETER_VALUE", UNSTORABLE
    if state in {_DUPLICATE, _FOREIGN_KEY, _NO_PRIVILEGE} or "UNIQUE constraint" in text or "FOREIGN KEY" in text:
        return "RESOURCE_DOES_NOT_EXIST", NOT_FOUND
    if kind in _TRANSIENT:
        return "TEMPORARILY_UNAVAILABLE", DEADLOCK if "deadlock" in text.lower() else UNAVAILABLE
    if kind == "IntegrityError":
        return "INVALID_PARAMETER_VALUE", INVALID
    if kind == "DataError":
        return "INVALID_PARAMETER_VALUE", {_TEXT_TOO_LONG: TOO_LONG, _NUMBER_OUT_OF_RANGE: OUT_OF_RANGE}.get(
            state or "", REFUSED
        )
    # As MLflow has it: nearly always a value that the client sent with another type.
    return "BAD_REQUEST", REFUSED
