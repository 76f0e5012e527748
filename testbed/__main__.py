"""The command line of the embedded cluster; `python -m testbed --help` lists the commands."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.build import engine_bin, everything, rehearsal
from testbed.errors import EmbeddedError
from testbed.node import environment, images, issuers, volumes
from testbed.node.destroy import confirm, destroy
from testbed.node.door import Door
from testbed.node.kubectl import Kubectl
from testbed.node.lock import exclusive
from testbed.node.process import Node, check_machine
from testbed.node.progress import Say
from testbed.node.report import URL, gather
from testbed.node.up import Cluster
from testbed.node.writing import write_whole
from testbed.paths import CHECKOUT, Home, cache, home

# A shell's background job ignores these. A program that inherits this does not stop when told to; Pulumi, for one, then
# ends each run five seconds late.
RESET_SIGNALS = (signal.SIGINT, signal.SIGQUIT)
# Binds the hosts file in a mount namespace of the command's own, then becomes the command.
WITH_HOSTS = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
INTERRUPTED = 130
# What follows these is another program's command line.
PASS_ON = (["exec"], ["kubectl"])


def _engine() -> Path:
    directory = engine_bin()
    if not directory.is_dir():
        raise EmbeddedError("the Pulumi engine has not been built for this checkout yet: run `make up`")
    return directory


def _variables(place: Home) -> dict[str, str]:
    return environment.variables(place, cache=cache(), engine_bin=_engine(), checkout=CHECKOUT, inherited=os.environ)


def _become(command: Sequence[str], variables: dict[str, str]) -> int:
    """Replace this process, so that signals and the exit code are the command's own."""
    for number in RESET_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), variables)  # noqa: S606 - running the user's command is the purpose
    except FileNotFoundError:
        raise EmbeddedError(f"{command[0]}: no such command") from None


def up(_: argparse.Namespace, place: Home, say: Say) -> int:
    """Build what is missing, start the cluster, wait until it answers."""
    start = time.monotonic()
    check_machine()
    artifacts = everything(say)
    with exclusive(place.root / "lock", say):
        Cluster(place, artifacts, say).up()
    say(f"cluster is up ({time.monotonic() - start:.1f} s); the platform will be at {URL}")
    say('in a shell: eval "$(.venv/bin/python -m testbed env)"')
    return 0


def rehearse(_: argparse.Namespace, place: Home, say: Say) -> int:
    """Bring the images that only some of the end-to-end tests deploy to the running cluster."""
    wanted = (*everything(say).images, *rehearsal(say))
    with exclusive(place.root / "lock", say):
        images.import_missing(Node(place), wanted, say)
    return 0


def down(_: argparse.Namespace, place: Home, say: Say) -> int:
    """End the pods and the node; keep all data."""
    with exclusive(place.root / "lock", say):
        volumes.remember(Kubectl(engine_bin() / "kubectl", place.kubeconfig), place.volumes)
        Door(place).close()
        Node(place).stop(say)
    say(f"the cluster is down; its data stays in {place.root}")
    return 0


def status(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Say how the cluster is; exit code 0 only when all is well."""
    report = gather(place, Kubectl(_engine() / "kubectl", place.kubeconfig))
    print(report.as_json() if options.json else report.as_text())
    return 0 if report.healthy else 1


def remove(options: argparse.Namespace, place: Home, say: Say) -> int:
    """Remove the cluster after asking."""
    if not options.yes:
        confirm(place, with_volumes=options.volumes)
    with exclusive(place.root / "lock", say):
        volumes.remember(Kubectl(engine_bin() / "kubectl", place.kubeconfig), place.volumes)
        destroy(place, say, with_volumes=options.volumes)
    return 0


def env(_: argparse.Namespace, place: Home, __: Say) -> int:
    """Print the engine's environment for `eval`."""
    environment.prepare(place, CHECKOUT, _engine())
    print(environment.export_lines(_variables(place)), end="")
    return 0


def run(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Run a command in the engine's environment, with the platform's host names known to it."""
    if not options.passed:
        raise EmbeddedError("exec needs a command: python -m testbed exec -- COMMAND ARGUMENT...")
    environment.prepare(place, CHECKOUT, _engine())
    machine = Path("/etc/hosts").read_text()
    if environment.knows_names(machine):
        # Inside another `exec`, or on a machine whose owner has added the names.
        return _become(options.passed, environment.merged(_variables(place), os.environ))
    hosts = place.root / "hosts"
    write_whole(hosts, environment.hosts(machine))
    private = ["unshare", "--mount", "--propagation=slave", "--", "sh", "-c", WITH_HOSTS, "exec", str(hosts)]
    return _become([*private, *options.passed], environment.merged(_variables(place), os.environ))


def kubectl(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Run kubectl on the embedded cluster."""
    program = Kubectl(_engine() / "kubectl", place.kubeconfig)
    return _become(program.command(*options.passed), dict(os.environ))


def trust_issuer(options: argparse.Namespace, place: Home, say: Say) -> int:
    """Let the API server take an issuer's tokens, to try the strict mode; without a URL its own only."""
    authority = None if options.ca is None else options.ca.read_text()
    kubectl_ = Kubectl(_engine() / "kubectl", place.kubeconfig)
    with exclusive(place.root / "lock", say):
        issuers.trust(place, kubectl_, say, issuer=options.url, audiences=options.audience, authority=authority)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed", description="A Kubernetes and a Pulumi engine")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: Callable[[argparse.Namespace, Home, Say], int]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=(function.__doc__ or "").partition("\n")[0], description=function.__doc__)
        made.set_defaults(function=function)
        return made

    command("up", up)
    command("rehearsal-images", rehearse)
    command("down", down)
    command("status", status).add_argument("--json", action="store_true", help="for programs")
    destroying = command("destroy", remove)
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    destroying.add_argument("--volumes", action="store_true", help="remove the volumes too: databases, artifacts")
    command("env", env)
    command("exec", run)
    command("kubectl", kubectl)
    trusting = command("trust-issuer", trust_issuer)
    trusting.add_argument("url", nargs="?", help="the issuer, letter by letter as it stands in its tokens")
    trusting.add_argument(
        "--audience", action="append", default=[], help="a client whose tokens count; may be given again"
    )
    trusting.add_argument("--ca", type=Path, help="file with the authority of its certificate")
    return parser


def main() -> int:
    """Run one command."""
    # `status | head` ends quietly, as other programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments, passed = sys.argv[1:], list[str]()
    if arguments[:1] in PASS_ON:
        arguments, passed = arguments[:1], arguments[1:]
    options = _parser().parse_args(arguments)
    options.passed = passed[1:] if passed[:1] == ["--"] else passed
    start = time.monotonic()

    def say(line: str) -> None:
        # To the error output: `env` and `status --json` own the standard output.
        print(f"[{time.monotonic() - start:6.1f} s] {line}", file=sys.stderr, flush=True)

    try:
        return options.function(options, home(), say)
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"error: {error}. The embedded cluster belongs to root: run the command as root", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
