"""Write the Kubernetes objects of a stack as a kustomize base with the overlays `dev` and `full`, for Argo CD.

Reads only the stack file: needs no cluster, Pulumi or passphrase, and writes no secret.

Exit codes: 0 if the files are written, also if values of AWS resources are missing; 1 if a preview would fail or the
folder belongs to something else, with the reasons; 2 if there is no such stack.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml

from settings import ExternalSettings, validate
from settings.faults import report
from settings.modes import model_of
from tools.render.files import HEADER, OVERLAYS, Repository, files
from tools.render.objects import LeakError, render
from tools.stack_file import UnknownError, UnreadableError, file_name, read

NOWHERE = "https://git.example.com/your/repository.git"
FOLDERS = ("base", "overlays", "applications")


class FolderError(Exception):
    """The folder has files that this command did not write."""


class ValuesError(Exception):
    """The file with values cannot be read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files of a stack; returns the exit code."""
    options = _parser().parse_args(arguments)
    folder = Path(options.out or f"render/{options.stack.rpartition('/')[2]}")
    try:
        source = read(options.stack)
        given = values(Path(options.values)) if options.values else {}
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    except (UnreadableError, ValuesError) as error:
        print(error, file=sys.stderr)
        return 1
    validation = validate(source, options.stack)
    if validation.mistakes:
        print(report(validation.mistakes, file_name(options.stack), source.lines), file=sys.stderr)
        return 1
    if model_of(source.document) is ExternalSettings:
        print(
            f"{file_name(options.stack)}: server.kind says that the tracking server is not part of the stack:"
            " `make render` writes stacks with a server; deploy this one with `make up`",
            file=sys.stderr,
        )
        return 1
    try:
        rendered = render(source, options.stack, validation.needed_secrets, given)
        repository = Repository(
            url=options.repository or NOWHERE, revision=options.revision, folder=options.folder or str(folder)
        )
        content = files(rendered, options.stack, [options.overlay] if options.overlay else OVERLAYS, repository)
        write(folder, content)
    except (LeakError, FolderError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{folder}: {len(rendered.items)} objects; {len(rendered.beforehand)} more have to exist before (README.md)")
    if rendered.missing:
        print(f"warning: values of AWS resources are missing: {', '.join(rendered.missing)}", file=sys.stderr)
    if not options.repository:
        print(f"applications/ names {NOWHERE}: set REPOSITORY= for Argo CD")
    return 0


def values(file: Path) -> dict[str, str]:
    """The values of AWS resources in a file, by `RESOURCE.OUTPUT`.

    Raises:
        ValuesError: the file is missing, or is no mapping of strings to strings.
    """
    try:
        document: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValuesError(f"{file} cannot be read: {error}") from None
    lines = cast("Mapping[object, object]", document) if isinstance(document, Mapping) else {None: None}
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in lines.items()):
        raise ValuesError(f"{file}: expected lines like `rds-instance.address: db.example.com`, each value a string")
    return {str(key): str(value) for key, value in lines.items()}


def write(folder: Path, content: Mapping[str, str]) -> None:
    """Replace the files of the folder.

    Raises:
        FolderError: a folder to replace has files that this command did not write.
    """
    for name in FOLDERS:
        if _is_foreign(folder / name):
            raise FolderError(f"{folder / name} has files that `make render` did not write: set OUT= to another folder")
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path, text in content.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _is_foreign(folder: Path) -> bool:
    """True if a folder has a file without the header of this tool."""
    return any(
        not file.read_bytes().startswith(HEADER.encode()) for file in sorted(folder.rglob("*")) if file.is_file()
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stack", help="name of the stack with the file Pulumi.STACK.yaml")
    parser.add_argument("--overlay", choices=["", *OVERLAYS], default="", help="write only this overlay")
    parser.add_argument("--out", default="", help="folder to write to; render/STACK by default")
    parser.add_argument("--values", default="", help="YAML file with values of AWS resources")
    parser.add_argument("--repository", default="", help="URL of the git repository that Argo CD reads")
    parser.add_argument("--revision", default="main", help="branch, tag or commit that Argo CD reads")
    parser.add_argument("--folder", default="", help="path of the files in that repository; as --out by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
