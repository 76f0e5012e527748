"""Create the prerequisites of a rendered stack: its namespaces, Secrets, and ConfigMaps that depend on a secret.

`tools/with-cluster CONTEXT .venv/bin/python -m tools.render.secrets STACK [VALUES]`. Generated passwords are kept in
the stack's state: Pulumi generates those that are missing there, and creates nothing else. No files are written.
Another run changes only what has changed in the stack file.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from settings import validate
from settings.faults import report
from settings.loader import Source
from settings.secrets import PROJECT
from tools.render.__main__ import ValuesError, values
from tools.render.objects import PLACEHOLDER, Item, collected, plain_names, render
from tools.render.protocol import SECRET_SIGNATURE, SIGNATURE
from tools.render.recording import KUBERNETES, Registration, record
from tools.render.values import Json, StandIns, Stored
from tools.stack_file import UnknownError, UnreadableError, file_name, read

MANAGER = "mlflow-platform-render"
GENERATED = "random:"


class MissingError(Exception):
    """A value is neither in the state nor in the file with values; the message names it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate what is missing in the stack's state, and apply the objects to the cluster.

    Raises:
        SystemExit: with the reason, if the stack file is wrong or a command fails.
    """
    match sys.argv[1:] if arguments is None else list(arguments):
        case [stack]:
            file = ""
        case [stack, file]:
            pass
        case _:
            sys.exit("usage: python -m tools.render.secrets STACK [VALUES]")
    try:
        source = read(stack)
        given = values(Path(file)) if file else {}
    except (UnknownError, UnreadableError, ValuesError) as error:
        sys.exit(str(error))
    validation = validate(source, stack)
    if mistakes := [*validation.mistakes, *validation.secret_mistakes]:
        sys.exit(report(mistakes, file_name(stack), source.lines))
    _run("pulumi", "stack", "select", "--create", stack)
    refuse_deployed(state(), stack)
    stand_ins = StandIns(draw="names", given=given)
    needed = {name: stand_ins.secret(name) for name in validation.needed_secrets}
    generate(record(source, stack, needed, stand_ins, plain_names))
    stored = Stored(outputs=outputs(state()), secrets=configured(stack) if needed else {}, aws=stand_ins)
    try:
        items = beforehand(source, stack, validation.needed_secrets, stored)
    except MissingError as error:
        sys.exit(f"{error}: run `make render-secrets STACK={stack}` again, or see docs/gitops.md")
    apply(items)
    for item in items:
        kind, namespace, name = item.identity
        print(f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}")


def refuse_deployed(exported: Json, stack: str) -> None:
    """Refuse a stack whose objects `pulumi up` manages.

    Raises:
        SystemExit: the state has Kubernetes objects.
    """
    if objects := [one for one in exported.get("resources", ()) if one["type"].startswith(KUBERNETES)]:
        sys.exit(
            f"`make up` manages {len(objects)} objects of the stack {stack}, and two tools would overwrite each other: "
            f"run `make destroy STACK={stack}` first (docs/gitops.md), or keep using `make up`"
        )


def generate(registrations: Iterable[Registration]) -> None:
    """Let Pulumi generate the random values that the state does not have, and nothing else."""
    targets = [one.urn for one in registrations if one.type.startswith(GENERATED) or not one.custom]
    options = [f"--target={urn}" for urn in targets]
    _run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", *options)


def state() -> Json:
    """The state of the selected stack with its secrets."""
    return json.loads(_run("pulumi", "stack", "export", "--show-secrets"))["deployment"] or {}


def outputs(exported: Json) -> dict[str, Json]:
    """Outputs of the random and AWS resources in a state, by resource name."""
    return {
        one["urn"].rpartition("::")[2]: {"id": one.get("id", ""), **cast("Json", _plain(one.get("outputs", {})))}
        for one in exported.get("resources", ())
        if one["type"].startswith((GENERATED, "aws:")) and not one.get("delete")
    }


def configured(stack: str) -> dict[str, str]:
    """Secrets of the stack's configuration by name."""
    entries = json.loads(_run("pulumi", "config", "--show-secrets", "--json", "--stack", stack))
    return {
        key.removeprefix(f"{PROJECT}:"): entry["value"]
        for key, entry in cast("Mapping[str, Json]", entries).items()
        if entry.get("secret")
    }


def beforehand(source: Source, stack: str, needed: Sequence[str], stored: Stored) -> list[Item]:
    """Namespaces, Secrets and ConfigMaps with their real values, as the rendered objects refer to them.

    Raises:
        MissingError: a value is not in the state or the configuration, or an object needs a value of AWS.
    """
    rendered = render(source, stack, needed, stored.aws.given)
    real = record(source, stack, {name: stored.secret(name) for name in needed}, stored, plain_names)
    if stored.missing:
        raise MissingError(f"the stack's state has no {', '.join(sorted(stored.missing))}")
    wanted = {item.identity for item in rendered.beforehand}
    own = [item for item in everything(real) if item.identity in wanted]
    for item in own:
        # Argo CD does not manage them.
        item.manifest["metadata"].pop("annotations")
        if texts := item.manifest.pop("stringData", None):
            # With `stringData` a key that is gone would stay: the API server owns what it has copied.
            item.manifest["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    if missing := sorted(set(PLACEHOLDER.findall(json.dumps([item.manifest for item in own])))):
        raise MissingError(f"no value for {', '.join(missing)}")
    return [*(item for item in rendered.items if item.kind == "Namespace"), *own]


def everything(registrations: list[Registration]) -> Sequence[Item]:
    """All objects of a run, Secrets included."""
    return collected(registrations, frozenset()).items


def apply(items: Sequence[Item]) -> None:
    """Apply the objects, from memory: no secret is in a file, an argument or an annotation."""
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item.manifest for item in items]})
    _run("kubectl", "apply", "--server-side", f"--field-manager={MANAGER}", "--filename=-", stdin=manifests)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value of a state with its secrets in plain text."""
    if isinstance(value, dict):
        node = cast("Json", value)
        if node.get(SIGNATURE) == SECRET_SIGNATURE:
            return json.loads(node["plaintext"])
        return {key: _plain(item) for key, item in node.items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value


def _run(*command: str, stdin: str = "") -> str:
    """Run a command; returns its output.

    Raises:
        SystemExit: it failed; the message has what it printed.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        what = " ".join(command[:3])
        sys.exit(f"`{what}` failed:\n{done.stdout.strip()}\n{done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
