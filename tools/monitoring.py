"""Alert rules and dashboard of a stack, for a Prometheus without the operator and a Grafana without its sidecar.

`python -m tools.monitoring rules|dashboard STACK` prints the file. Reads only the stack file: needs no cluster, Pulumi
or passphrase. The settings in the section `monitoring` are ignored.

Exit codes: 0 done; 1 the stack file has mistakes; 2 there is no such stack.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

import yaml

from components.monitoring.alert import Watched
from components.monitoring.dashboard import dashboard
from components.monitoring.rules import rules
from factories.monitoring import watched
from settings import Settings, validate
from settings.faults import report
from tools.stack_file import UnknownError, UnreadableError, file_name, read


def rules_file(stack: Watched) -> str:
    """A file of rules for Prometheus' setting `rule_files`."""
    # Long expressions stay on one line.
    return yaml.safe_dump(rules(stack), sort_keys=False, width=10_000, allow_unicode=True)


FILES: Mapping[str, Callable[[Watched], str]] = {"rules": rules_file, "dashboard": dashboard}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.monitoring",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", choices=FILES)
    parser.add_argument("stack", help="name of the stack with the file Pulumi.STACK.yaml")
    options = parser.parse_args(arguments)
    try:
        settings = _settings(options.stack)
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    print(FILES[options.file](watched(settings)), end="")
    return 0


def _settings(stack: str) -> Settings:
    """The settings of a stack; mistakes in secrets do not matter.

    Raises:
        UnknownError: there is no such stack file, or its server is somebody else's.
        UnreadableError: the file has mistakes.
    """
    given = read(stack)
    validation = validate(given, stack)
    if validation.settings is None or validation.mistakes:
        raise UnreadableError(report(validation.mistakes, file_name(stack), given.lines))
    if not isinstance(validation.settings, Settings):
        raise UnknownError(f"{file_name(stack)} has no server of the platform, which could be watched")
    return validation.settings


if __name__ == "__main__":
    sys.exit(main())
