"""Records of the audit log: reading them out of a container's log, and choosing among them."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

MARK = "audit"
_SINCE = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One line of the audit log."""

    time: datetime
    request: str
    fields: dict[str, Any]
    """The line as it was written."""

    def concerns(self, team: str) -> bool:
        """True if the request was for this team's workspace, whether it was allowed or refused."""
        return team in (self.fields.get("workspace"), self.fields.get("requested_workspace"))


def since(text: str, now: datetime) -> datetime:
    """The time that `text` names, such as `2026-11-29T10:00:00Z`, or a period before `now`: `30m`, `6h`, `2d`.

    Raises:
        ValueError: the text is neither a time with a time zone nor a period.
    """
    if match := _SINCE.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"SINCE is {text!r}: write a period like 30m, 6h or 2d, or a time like 2026-11-29T10:00:00Z"
        raise ValueError(message)
    return moment


def records(log: str, pod: str) -> Iterator[Record]:
    """The audit records in the log of a pod with the UID `pod`; all other lines are skipped.

    A line with another UID is not an audit record: a client sent this text, and an error message repeated it in the
    log.
    """
    for line in log.split("\n"):
        record = _record(line)
        if record is not None and record.fields.get("pod") == pod:
            yield record


def _record(line: str) -> Record | None:
    # Two processes share the log: another one's text may stand in front.
    begin = line.find('{"log": "audit"')
    if begin < 0:
        return None
    try:
        fields: object = json.loads(line[begin:])
        if not isinstance(fields, dict):
            return None
        named = cast("dict[str, Any]", fields)
        if named["log"] != MARK:
            return None
        return Record(time=datetime.fromisoformat(named["time"]), request=str(named["request"]), fields=named)
    except (KeyError, TypeError, ValueError):
        return None


def chosen(found: Iterable[Record], *, team: str, begin: datetime | None) -> list[Record]:
    """Records of a team (of all teams if `team` is empty) since `begin`, in order of time; each request once."""
    unique = {
        record.request: record
        for record in found
        if (not team or record.concerns(team)) and (begin is None or record.time >= begin)
    }
    return sorted(unique.values(), key=lambda record: (record.time, record.request))
