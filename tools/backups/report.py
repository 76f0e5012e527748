"""Backups, and what a restore will do and has done, as text for people."""

from datetime import UTC, datetime
from typing import Any

Listing = dict[str, Any]
UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size(number: int) -> str:
    """A number of bytes with a unit."""
    for unit, name in UNITS:
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return f"{number} B"


def second(text: str, *, up: bool = False) -> str:
    """A time in UTC to the second; `up` rounds to the next one."""
    time = datetime.fromisoformat(text).astimezone(UTC)
    stamp = int(time.timestamp()) + (1 if up and time.microsecond else 0)
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(text: str | None, now: str) -> str:
    """Time since a moment, in words."""
    if text is None:
        return "never"
    seconds = int((datetime.fromisoformat(now) - datetime.fromisoformat(text)).total_seconds())
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} seconds ago"


def as_text(listing: Listing) -> str:
    """The listing of the sidecar's program, as text."""
    lines = [f"{'base backup':18}{'taken':23}{'seconds':>8}{'data':>11}{'stored':>11}"]
    lines += [
        f"{one['name']:18}{second(one['end']):23}{one['seconds']:>8.0f}{size(one['bytes']):>11}{size(one['stored']):>11}"
        for one in listing["backups"]
    ]
    if not listing["backups"]:
        lines = ["there is no complete base backup yet"]
    lines.append("")
    for one in listing["ranges"]:
        lines.append(f"any second can be restored from {second(one['since'], up=True)} to {second(one['until'])}")
    log = listing["log"]
    lines.append(
        f"write-ahead log: {size(log['stored'])} in the store, last file sent {age(log['sent'], listing['now'])},"
        f" {listing['waiting']} files wait"
    )
    lines.append(proven(listing.get("proof"), listing["now"]))
    for name, number in listing["kept"].items():
        lines.append(f"kept by a restore: {name}, {size(number)}; delete it with `make restore DROP={name}`")
    if others := [name for name in listing["servers"] if name != listing["server"]]:
        lines.append(f"other database clusters in the bucket: {', '.join(others)} (docs/backup.md)")
    return "\n".join(lines)


def proven(proof: Listing | None, now: str) -> str:
    """Result of the last proof."""
    if proof is None:
        return "no backup is proven yet: each night one is, or now with `make prove`"
    if proof["ok"]:
        return f"base backup {proof['backup']} was proven {age(proof['time'], now)}, in {proof['seconds']['all']:.0f} s"
    first, more = proof["differences"][0], len(proof["differences"]) - 1
    others = f", and {more} more" if more else ""
    return f"NOT PROVEN {age(proof['time'], now)}: {first}{others} (docs/proof.md)"


def announcement(plan: Listing, to: str, stack: str) -> str:
    """Text that says what a restore will do, shown before the user confirms it."""
    source = f"base backup {plan['backup']} ({size(plan['bytes'])})"
    return "\n".join(
        [
            f"Restores the database of stack {stack} as it was at {to}, from {source}.",
            "  - MLflow and PostgreSQL are stopped until it is done.",
            "  - Runs, models and everything else that was written after that time are no longer shown.",
            "  - Artifacts stay as they are: files of later runs remain, and deleted ones are not brought back.",
            "  - The data of now are kept on the volume, and what was committed until now can be restored too.",
        ]
    )


def ending(answer: Listing, to: str, stopped: str | None, stack: str) -> str:
    """Result of a restore, and how to undo it."""
    lines = [f"restored: the database is as it was at {to}"]
    if stopped is not None:
        lines.append(f"go back with:       make restore STACK={stack} TO={second(stopped)}")
    if answer["kept"] is not None:
        lines.append(f"the data before are on the volume as {answer['kept']}; delete them with:")
        lines.append(f"                    make restore STACK={stack} DROP={answer['kept']}")
    return "\n".join(lines)
