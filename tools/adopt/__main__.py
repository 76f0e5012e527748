"""`make adopt`: move the content of an MLflow that exists already into a team's workspace.

usage: SOURCE=... python -m tools.adopt --team TEAM [--experiment NAME ...] [--artifacts [FROM=]TO ...]
    [--prefix TEXT] [--deleted] [--dry-run] [--json] [--url URL [--ca FILE]]

The old MLflow is only read. Running the same command again continues, and writes nothing twice. The exit code is 0 if
the workspace has everything, with the same hashes.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.adopt import environment
from tools.adopt.origin import OriginError, from_here, parse
from tools.smoke import client_variables, wait_until_it_answers
from tools.stack import Platform, read_platform, service_account_token

SOURCE = "SOURCE"
OWN_TOKEN = "MLFLOW_PLATFORM_TOKEN"  # noqa: S105 - the name of a variable
# Less than half of the lifetime of a token.
RENEW_SECONDS = 240
# Variables for the process that reads the old MLflow: where programs, folders and certificates are, MLflow's own, and
# those of the stores' and databases' clients. It gets nothing else of the user's environment.
READS = re.compile(
    rf"(?!{OWN_TOKEN}\Z)"
    r"(?:PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|(?i:https?_proxy|no_proxy|all_proxy)|SSL_CERT_(?:FILE|DIR)"
    r"|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(?:MLFLOW|AWS|AZURE|GOOGLE|BOTO|PG|MYSQL)_?\w+)\Z"
)
PASSED_ON = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Workspace that objects are moved into."""

    url: str
    team: str
    authority: str | None
    platform: Platform | None
    """The deployed stack; None if the address was given."""

    def variables(self, authority_file: Path | None) -> dict[str, str]:
        """Environment variables of the process that writes."""
        proxies = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        own = {"MLFLOW_TRACKING_TOKEN": os.environ[OWN_TOKEN]} if os.environ.get(OWN_TOKEN) else {}
        if self.platform is not None and not own:
            return proxies | client_variables(self.platform, self.team, authority_file)
        workspace = self.platform.teams[self.team].workspace if self.platform else self.team
        named = {"MLFLOW_WORKSPACE": workspace} if workspace else {}
        trusted = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE") if authority_file else ()
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **{name: str(authority_file) for name in trusted},
            **named, **own, **proxies,
        }  # fmt: skip

    def renewed(self) -> str:
        """A new token; empty if the token is the user's own."""
        if self.platform is None or os.environ.get(OWN_TOKEN):
            return ""
        account = self.platform.teams[self.team]
        return service_account_token(account.namespace, account.service_account, self.platform.audience)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; empty values count as absent."""
    parser = argparse.ArgumentParser(prog="python -m tools.adopt", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--source",
        default=os.environ.get(SOURCE, ""),
        help=f"file, folder, database or server of the old MLflow; {SOURCE} of the environment if it has a password",
    )
    parser.add_argument("--team", required=True, help="the team whose workspace gets the data")
    parser.add_argument("--experiment", action="append", default=[], help="only this experiment; may be repeated")
    parser.add_argument("--experiments", default="", help="the same, separated by commas")
    parser.add_argument(
        "--artifacts",
        action="append",
        default=[],
        help="where the files are now: [FROM=]TO, several separated by commas, or none",
    )
    parser.add_argument("--prefix", default="", help="beginning of all names in the workspace")
    parser.add_argument("--deleted", action="store_true", help="also move what is deleted")
    parser.add_argument("--dry-run", action="store_true", help="only count what would be moved")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--url", default="", help="address of the platform, for people who do not have its stack")
    parser.add_argument("--ca", default="", help="with --url: file with the CA certificate to trust")
    chosen = parser.parse_args(arguments)
    chosen.experiment += [name.strip() for name in chosen.experiments.split(",") if name.strip()]
    if not chosen.source:
        sys.exit("adopt: SOURCE is missing: the file, folder, database or server of the old MLflow (docs/moving-in.md)")
    if not chosen.team and not chosen.url:
        sys.exit("adopt: TEAM is missing: name the team whose workspace gets the data")
    return chosen


def target(chosen: argparse.Namespace) -> Target:
    """The workspace to move to.

    Raises:
        SystemExit: there is no such team, or no server of this platform.
    """
    if chosen.url:
        authority = Path(chosen.ca).read_text(encoding="utf-8") if chosen.ca else None
        return Target(url=chosen.url.rstrip("/"), team=chosen.team, authority=authority, platform=None)
    platform = read_platform()
    if platform.external:
        sys.exit("adopt: the tracking server is not part of this stack: give its address as --url")
    if chosen.team not in platform.teams:
        sys.exit(f"adopt: the stack has no team {chosen.team}; its teams are {', '.join(sorted(platform.teams))}")
    if platform.paused:
        sys.exit("adopt: no server runs, because server.paused is true: set it to false, and run `make up`")
    return Target(url=platform.url, team=chosen.team, authority=platform.authority, platform=platform)


def handed_over(chosen: argparse.Namespace, where: Target, search_path: str) -> dict[str, object]:
    """Variables for the process that writes; those of the old MLflow are for the process that reads alone."""
    reader = {name: value for name, value in os.environ.items() if READS.match(name)}
    return {
        "options": {
            "origin": parse(chosen.source, Path.cwd()).name,
            "target": f"{where.team or 'the workspace'} at {where.url}",
            "artifacts": [
                from_here(value.strip(), Path.cwd())
                for values in chosen.artifacts
                for value in values.split(",")
                if value.strip()
            ],
            "experiments": chosen.experiment,
            "prefix": chosen.prefix,
            "deleted": chosen.deleted,
            "dry": chosen.dry_run,
            "json": chosen.json,
        },
        "reader": {**reader, "PYTHONPATH": search_path, SOURCE: chosen.source},
    }


def move(chosen: argparse.Namespace, where: Target, folder: Path) -> int:
    """Run the process that writes, and give it tokens until it ends; returns its exit code."""
    authority_file = None
    if where.authority is not None:
        authority_file = folder / "ca.crt"
        authority_file.write_text(where.authority, encoding="utf-8")
    # Standard output is for the report alone.
    with redirect_stdout(sys.stderr):
        wait_until_it_answers(where.url, where.authority)
        python, search_path = environment.python()
    told = handed_over(chosen, where, search_path)
    variables = {**where.variables(authority_file), "PYTHONPATH": search_path}
    command = (python, "-m", "tools.adopt.client.main")
    with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        _say(process.stdin, json.dumps(told))
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(RENEW_SECONDS)
            _say(process.stdin, where.renewed())


def _say(pipe: IO[str], line: str) -> None:
    with suppress(BrokenPipeError):
        pipe.write(f"{line}\n")
        pipe.flush()


def main() -> None:
    """Run the command."""
    chosen = options()
    try:
        parse(chosen.source, Path.cwd())
        where = target(chosen)
        with tempfile.TemporaryDirectory(prefix="adopt-") as folder:
            sys.exit(move(chosen, where, Path(folder)))
    except (OriginError, OSError) as error:
        sys.exit(f"adopt: {error}")
    except KeyboardInterrupt:
        sys.exit("adopt: stopped; the same command goes on from here")


if __name__ == "__main__":
    main()
