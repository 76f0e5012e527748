"""Checks that MLflow's pages have what the additions rely on: `python -m mlflow_platform_server.page_census`.

The build of the server's image runs it. The exit status is 1 if the additions do not fit into the start page, or if the
release's scripts lack a value of a selector (page/hidden.toml) or a text that the bar needs. An older release, as in
rehearsals of upgrades, may lack some: its pages then show elements whose requests are always refused.
"""

import sys
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from mlflow_platform_server import platform_page, routes

# The element of the start page below the bar (page.css).
BELOW = b'id="root"'
# Texts of the scripts that page.css and page.js go by.
SCRIPTS = ("dark-mode", "data-component-id", '"workspace"')


def start_page_faults(start_page: bytes) -> list[str]:
    """Reasons why the start page cannot have the additions."""
    faults = [] if BELOW in start_page else [f"The start page has no element with {BELOW.decode()}."]
    if platform_page.with_addition(start_page, b"") is None:
        faults.append(f"The start page has no </head>, or more than {platform_page.LARGEST_PAGE} bytes.")
    return faults


def missing(values: Iterable[str], scripts: str) -> list[str]:
    """Those of `values`, and of the texts above, that MLflow's scripts do not contain."""
    absent = [text for text in SCRIPTS if text not in scripts]
    return absent + [value for value in sorted(values) if not _occurs(value, scripts)]


def _occurs(value: str, scripts: str) -> bool:
    # MLflow puts addresses together from their parts.
    parts = value.strip("/").split("/") if value.startswith("/") else []
    return all(f'"{part}"' in scripts or f"/{part}" in scripts for part in parts) if parts else value in scripts


def main() -> int:
    """Print what is missing; returns the exit status."""
    # Found without importing it, which takes many seconds.
    package = find_spec("mlflow")
    if package is None or package.origin is None:
        sys.exit("MLflow is not installed.")
    pages = Path(package.origin).parent / "server" / "js" / "build"
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in sorted(pages.rglob("*.js")))
    faults = start_page_faults((pages / "index.html").read_bytes())
    lines = missing(platform_page.hidden().values(), scripts)
    if not faults and not lines:
        return 0
    release = version("mlflow")
    judged = routes.read(routes.FILE.read_text(encoding="utf-8")).mlflow
    if not faults and routes.older(release, judged):
        print(f"The pages of MLflow {release} are older than page/hidden.toml ({judged}), and lack:", *lines, sep="\n")
        return 0
    remedy = (
        f"The pages of MLflow {release} lack what the platform's additions look for. Open the pages in a browser, find "
        "what took its place, and correct platform_page.py or the files of page/."
    )
    print(remedy, *faults, *lines, sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
