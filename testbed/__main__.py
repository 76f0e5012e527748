"""Command line of the embedded cluster; `python -m testbed --help` lists the commands."""

import argparse
import inspect
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.build import engine_bin, everything, programs, rehearsal
from testbed.errors import EmbeddedError
from testbed.node import environment, images, issuers, volumes
from testbed.node.destroy import confirm, destroy
from testbed.node.kubectl import Kubectl
from testbed.node.lock import exclusive
from testbed.node.port_forward import PortForward
from testbed.node.process import Node, check_machine
from testbed.node.progress import Say
from testbed.node.report import URL, gather
from testbed.node.up import Cluster
from testbed.node.writing import write_whole
from testbed.paths import CHECKOUT, Home, cache, home

# Processes of a shell's background job ignore these signals, and their children inherit that. Without a reset, the
# command could not be interrupted, and each run of Pulumi would end five seconds late.
RESET_SIGNALS = (signal.SIGINT, signal.SIGQUIT)
# Mounts a hosts file in the command's own mount namespace, then executes the command.
WITH_HOSTS = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
INTERRUPTED = 130
# The arguments of these commands are passed on to another program.
PASS_ON = (["exec"], ["kubectl"])


def _engine() -> Path:
    directory = engine_bin()
    if not directory.is_dir():
        raise EmbeddedError("the Pulumi engine is not built for this checkout yet: run `make up` first")
    return directory


def _variables(place: Home) -> dict[str, str]:
    return environment.variables(place, cache=cache(), engine_bin=_engine(), checkout=CHECKOUT, inherited=os.environ)


def _become(command: Sequence[str], variables: dict[str, str]) -> int:
    """Replace this process by the command, which then gets the signals and determines the exit code."""
    for number in RESET_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), variables)  # noqa: S606 - running the user's command is the purpose
    except FileNotFoundError:
        raise EmbeddedError(f"{command[0]}: command not found on PATH") from None


def up(_: argparse.Namespace, place: Home, say: Say) -> int:
    """Build the parts of the cluster that are missing, start the cluster and wait until it is ready.

    Needs root. The first run downloads and compiles everything, which takes a quarter of an hour and more; a run
    that was interrupted continues where it stopped. Later runs take seconds.
    """
    start = time.monotonic()
    check_machine()
    artifacts = everything(say)
    with exclusive(place.root / "lock", say):
        Cluster(place, artifacts, say).up()
    say(f"the cluster is up ({time.monotonic() - start:.1f} s); the platform will be at {URL}")
    say('to use it in a shell: eval "$(.venv/bin/python -m testbed env)"')
    return 0


def rehearse(_: argparse.Namespace, place: Home, say: Say) -> int:
    """Build the images that only some of the end-to-end tests deploy, and import them into the cluster.

    The cluster has to be running.
    """
    wanted = (*everything(say).images, *rehearsal(say))
    with exclusive(place.root / "lock", say):
        images.import_missing(Node(place), wanted, say)
    return 0


def import_programs(options: argparse.Namespace, place: Home, say: Say) -> int:
    """Build the images of programs in testbed/programs, such as Keycloak, and import them into the cluster.

    The cluster has to be running.
    """
    archives = programs(options.name, say)
    with exclusive(place.root / "lock", say):
        images.import_missing(Node(place), archives, say)
    return 0


def down(_: argparse.Namespace, place: Home, say: Say) -> int:
    """Stop the cluster; all data stays.

    `up` starts it again.
    """
    with exclusive(place.root / "lock", say):
        volumes.remember(Kubectl(engine_bin() / "kubectl", place.kubeconfig), place.volumes)
        PortForward(place).close()
        Node(place).stop(say)
    say(f"the cluster is stopped; its data stays in {place.root}")
    return 0


def status(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Show the state of the cluster and its volumes.

    The exit code is 0 only if the cluster runs and has no problems.
    """
    report = gather(place, Kubectl(_engine() / "kubectl", place.kubeconfig))
    print(report.as_json() if options.json else report.as_text())
    return 0 if report.healthy else 1


def remove(options: argparse.Namespace, place: Home, say: Say) -> int:
    """Remove the cluster, after confirmation.

    Volumes (databases, artifacts) stay unless --volumes is given. The Pulumi state is renamed, not deleted.
    """
    if not options.yes:
        confirm(place, with_volumes=options.volumes)
    with exclusive(place.root / "lock", say):
        volumes.remember(Kubectl(engine_bin() / "kubectl", place.kubeconfig), place.volumes)
        destroy(place, say, with_volumes=options.volumes)
    return 0


def env(_: argparse.Namespace, place: Home, __: Say) -> int:
    """Print the environment variables with which `pulumi` and `kubectl` use the embedded engine and cluster.

    To set the variables in a shell: eval "$(.venv/bin/python -m testbed env)".
    """
    environment.prepare(place, CHECKOUT, _engine())
    print(environment.export_lines(_variables(place)), end="")
    return 0


def run(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Run a command with the embedded engine and cluster.

    The command gets the environment variables of `env`, and can resolve the platform's host names (mlflow.localhost).
    """
    if not options.passed:
        raise EmbeddedError("exec needs a command: python -m testbed exec -- COMMAND ARGUMENT...")
    environment.prepare(place, CHECKOUT, _engine())
    machine = Path("/etc/hosts").read_text()
    if environment.knows_names(machine):
        # The names resolve already: inside another `exec`, or because the machine's hosts file has them.
        return _become(options.passed, environment.merged(_variables(place), os.environ))
    hosts = place.root / "hosts"
    write_whole(hosts, environment.hosts(machine))
    private = ["unshare", "--mount", "--propagation=slave", "--", "sh", "-c", WITH_HOSTS, "exec", str(hosts)]
    return _become([*private, *options.passed], environment.merged(_variables(place), os.environ))


def kubectl(options: argparse.Namespace, place: Home, _: Say) -> int:
    """Run kubectl on the embedded cluster.

    Your own kubeconfig is not used.
    """
    program = Kubectl(_engine() / "kubectl", place.kubeconfig)
    return _become(program.command(*options.passed), dict(os.environ))


def trust_issuer(options: argparse.Namespace, place: Home, say: Say) -> int:
    """Make the API server accept tokens of an OIDC issuer, which the strict mode needs (docs/strict.md).

    Without a URL the API server accepts only its own tokens again.
    """
    authority = None if options.ca is None else options.ca.read_text()
    kubectl_ = Kubectl(_engine() / "kubectl", place.kubeconfig)
    with exclusive(place.root / "lock", say):
        issuers.trust(place, kubectl_, say, issuer=options.url, audiences=options.audience, authority=authority)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testbed",
        description="An embedded Kubernetes cluster and Pulumi engine, for development and end-to-end tests.",
        epilog=f"The cluster's data is in {home().root}, its build cache in {cache()}. See testbed/README.md.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, function: Callable[[argparse.Namespace, Home, Say], int], usage: str | None = None
    ) -> argparse.ArgumentParser:
        text = inspect.cleandoc(function.__doc__ or "")
        added = commands.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            usage=usage,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(function=function)
        return added

    command("up", up)
    command("rehearsal-images", rehearse)
    command("programs", import_programs).add_argument("name", nargs="+", help="folder of testbed/programs")
    command("down", down)
    command("status", status).add_argument("--json", action="store_true", help="print JSON")
    destroying = command("destroy", remove)
    destroying.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    destroying.add_argument("--volumes", action="store_true", help="also delete the volumes: databases, artifacts")
    command("env", env)
    command("exec", run, "python -m testbed exec -- COMMAND ARGUMENT...")
    command("kubectl", kubectl, "python -m testbed kubectl ARGUMENT...")
    trusting = command("trust-issuer", trust_issuer)
    trusting.add_argument("url", nargs="?", help="URL of the issuer, exactly as in the claim `iss` of its tokens")
    trusting.add_argument(
        "--audience", action="append", default=[], help="accepted audience (client ID); repeat it for several"
    )
    trusting.add_argument("--ca", type=Path, help="PEM file with the CA certificate of the issuer's server")
    return parser


def main() -> int:
    """Run the command that the command line names, and return the exit code."""
    # Without this, `status | head` would end with a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments, passed = sys.argv[1:], list[str]()
    if arguments[:1] in PASS_ON and arguments[1:] not in (["-h"], ["--help"]):
        arguments, passed = arguments[:1], arguments[1:]
    start = time.monotonic()

    def say(line: str) -> None:
        # On standard error, because `env` and `status` print on standard output.
        print(f"[{time.monotonic() - start:6.1f} s] {line}", file=sys.stderr, flush=True)

    try:
        options = _parser().parse_args(arguments)
        options.passed = passed[1:] if passed[:1] == ["--"] else passed
        return options.function(options, home(), say)
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"error: {error}. The embedded cluster belongs to root: run the command as root", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
