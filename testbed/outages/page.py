"""The table of docs/outages.md."""

from collections.abc import Sequence

from testbed.outages.measure import Effect

BEGIN = "<!-- `make outages` writes the table below -->"
END = "<!-- end of the table -->"
HEAD = (
    "| Fault | Seconds without reads | Seconds without writes | Calls that failed with the client's retries |"
    " Acknowledged writes lost |\n|---|---|---|---|---|"
)


def table(effects: Sequence[Effect]) -> str:
    """Return the table as Markdown, one line for each fault."""
    rows = [
        f"| {one.text[0].upper()}{one.text[1:]} | {one.without_reads} | {one.without_writes} |"
        f" {one.failed} of {one.calls} | {one.lost} |"
        for one in effects
    ]
    return "\n".join([HEAD, *rows])


def renewed(page: str, effects: Sequence[Effect], measured: str) -> str:
    """Return the page with its table replaced, and the sentence `measured` below the table.

    Raises:
        ValueError: the page lacks `BEGIN` or `END`, between which the table stands.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the table: write {BEGIN!r} and {END!r} there")
    return f"{before}{BEGIN}\n\n{table(effects)}\n\n{measured}\n\n{END}{after}"
