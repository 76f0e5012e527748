"""Compares the process-wide state of MLflow and its authorization plugin with a reviewed list.

`python -m mlflow_platform_server.state_census`, run in the image, prints the differences and ends with status 1 if a
release has state that is not in the list, or no longer has state that is. The list is `state_census.toml`; with
`--print` all state that is found is printed instead.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlflow_platform_server import mutable_state

LIST = Path(__file__).with_name("state_census.toml")
# Packages and modules that serve requests. Clients' code, such as the fluent API, is not reached by routes.
SUBJECTS = (
    "mlflow/server",
    "mlflow/store",
    "mlflow/webhooks",
    "mlflow/tracing",
    "mlflow/tracking/_model_registry",
    "mlflow/tracking/_tracking_service",
    "mlflow/tracking/_workspace",
    "mlflow/utils/workspace_context.py",
    "mlflow/utils/workspace_utils.py",
    "mlflow_kubernetes_plugins",
)


def census(site_packages: Path) -> dict[str, set[str]]:
    """The state in modules of `SUBJECTS` by path, such as `mlflow/server/handlers.py`; only modules with state."""
    files = [file for subject in SUBJECTS for file in _sources(site_packages / subject)]
    state = {str(file.relative_to(site_packages)): mutable_state.found(file.read_text()) for file in files}
    return {module: names for module, names in state.items() if names}


def _sources(subject: Path) -> list[Path]:
    return sorted(subject.rglob("*.py")) if subject.is_dir() else [subject]


def complaints(state: Mapping[str, set[str]], reviewed: Iterable[Mapping[str, Any]], *, old: bool = False) -> list[str]:
    """Differences between what is found and what is reviewed.

    Args:
        state: what is found.
        reviewed: the entries of the list. An entry with `whole = true` covers all state of the modules below a path.
            State in an entry with `since` is absent from older releases, with `until` from newer ones.
        old: True if the installed release is older than the list: state in entries with `since` or `until` may then
            exist or not.
    """
    entries = [entry for entry in reviewed if old or "until" not in entry]
    whole = tuple(entry["module"] for entry in entries if entry.get("whole"))
    single = Counter((entry["module"], name) for entry in entries for name in entry.get("names", ()))
    optional = {
        (entry["module"], name)
        for entry in entries
        if "since" in entry or "until" in entry
        for name in entry.get("names", ())
    }
    seen = {(module, name) for module, names in state.items() if not module.startswith(whole) for name in names}
    missing = set(single) - seen - (optional if old else set())
    unused = [path for path in whole if not any(module.startswith(path) for module in state)]
    return [
        *(f"not reviewed: {module} {name}" for module, name in sorted(seen - set(single))),
        *(f"gone: {module} {name}" for module, name in sorted(missing)),
        *(f"gone: {path}" for path in unused),
        *(f"twice: {module} {name}" for (module, name), count in sorted(single.items()) if count > 1),
    ]


def main(arguments: list[str]) -> int:
    """Compare, and print the differences; returns the exit status."""
    spec = find_spec("mlflow")
    if spec is None or spec.origin is None:
        print("MLflow is not installed.")
        return 1
    state = census(Path(spec.origin).parents[1])
    if "--print" in arguments:
        for module, names in state.items():
            print(module, *sorted(names), sep="\n    ")
        return 0
    document = tomllib.loads(LIST.read_text())
    differences = complaints(state, document["reviewed"], old=version("mlflow") != document["release"])
    for line in differences:
        print(line)
    print(f"{sum(map(len, state.values()))} pieces of process-wide state, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
