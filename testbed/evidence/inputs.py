"""Digests of the inputs of a rehearsal.

Comments, docstrings and blank lines of Python files do not count. Of a page in docs/, only the code blocks count. An
input such as `Makefile:render` is what `make render` runs.
"""

import ast
import hashlib
import io
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from testbed.evidence.catalogue import Rehearsal

GIT_SECONDS = 60
# Modules of these packages are inputs of a rehearsal if its tests import them.
IMPORTED = ("benchmarks", "components", "factories", "settings", "testbed", "tests", "tools")
# Tests run the code blocks of pages.
PAGES = "docs/"
BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
RULE = re.compile(r"^([a-z0-9-]+):([^\n#]*)[^\n]*\n((?:\t.*\n)*)", re.MULTILINE)
VARIABLE = re.compile(r"^([A-Z]+) *[:?]?=.*$", re.MULTILINE)
# The program. It is no input itself, but what it deploys is (`deployments.py`).
PROGRAM = ("Pulumi.dev.yaml", "__main__.py", "components/", "factories/", "settings/")


def digests(checkout: Path, rehearsal: Rehearsal) -> dict[str, str]:
    """Return the digest of each input of a rehearsal, by name; all imports of its tests are one input, `imports`.

    Raises:
        FileNotFoundError: a listed input does not exist.
    """
    files = _files(checkout)
    found: dict[str, str] = {}
    for name in rehearsal.inputs:
        file, _, target = name.partition(":")
        if target:
            found[name] = _digest_of(rules((checkout / file).read_text(encoding="utf-8"), target).encode())
            continue
        below = [file for file in files if file == name or file.startswith(f"{name}/")]
        if not below:
            raise FileNotFoundError(f"the rehearsal {rehearsal.name} depends on {name}, which does not exist")
        found[name] = _digest(checkout, below)
    tests = [file for file in files if file.startswith(f"{rehearsal.tests}/") and file.endswith(".py")]
    listed = tuple(f"{name}/" for name in rehearsal.inputs)
    imported = sorted(one for one in _closure(checkout, tests) if not one.startswith(listed) and one not in found)
    return found | {"imports": _digest(checkout, imported)}


def program(checkout: Path) -> dict[str, str]:
    """Return the digest of each part of the Pulumi program, which decides what a deployment contains."""
    files = _files(checkout)
    return {name: _digest(checkout, [one for one in files if one.startswith(name)]) for name in PROGRAM}


def forget() -> None:
    """Clear the cache of file digests, because files may have changed."""
    _digest_of_file.cache_clear()


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of the inputs that are new or whose digest has changed; removed inputs do not count."""
    return sorted(name for name in now if before.get(name) != now[name])


def rules(makefile: str, target: str) -> str:
    """Return what `make` runs for a target: its rule, those of its prerequisites, and the variables in them.

    Raises:
        FileNotFoundError: the Makefile has no such target.
    """
    found = {name: (needs.split(), recipe) for name, needs, recipe in RULE.findall(makefile)}
    variables = {match[1]: match[0] for match in VARIABLE.finditer(makefile)}
    if target not in found:
        raise FileNotFoundError(f"the Makefile has no target {target}")
    waiting, texts = [target], dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        needs, recipe = found.get(name, ([], variables.get(name, "")))
        texts[name] = f"{' '.join(needs)}\n{recipe}"
        waiting += [*(one for one in needs if one in found), *re.findall(r"\$\(([A-Z]+)\)", texts[name])]
    return "\n".join(f"{name}: {texts[name]}" for name in sorted(texts))


def significant(source: str) -> str:
    """Return Python source code without comments, docstrings and blank lines.

    Raises:
        SyntaxError: the source is not valid Python.
    """
    # Not splitlines(), which ends lines at more characters than Python's own tokenizer does.
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in _docstrings(ast.parse(source)):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        # A docstring on the same line as code stays. Columns of a syntax tree count bytes.
        before, after = lines[first].encode()[: node.col_offset], lines[last].encode()[node.end_col_offset :]
        if not before.strip() and not after.strip():
            lines[first : last + 1] = [""] * (last + 1 - first)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _docstrings(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield the docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        for statement in _statements(node):
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                yield statement


def _statements(node: ast.AST) -> list[ast.stmt]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.body
    return []


def _files(checkout: Path) -> list[str]:
    """Return the files that a commit would contain, including untracked ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        check=True,
    )
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (checkout / name).is_file())


def _digest(checkout: Path, files: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in files:
        page = name.startswith(PAGES) and name.endswith(".md")
        total.update(f"{name}\0{_digest_of_file(checkout / name, page=page)}\n".encode())
    return total.hexdigest()[:16]


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def _digest_of_file(file: Path, *, page: bool) -> str:
    content = file.read_bytes()
    if page:
        content = "\n".join(BLOCK.findall(content.decode())).encode()
    elif file.suffix == ".py":
        content = significant(content.decode()).encode()
    elif file.match("Pulumi.*.yaml"):
        # Pulumi writes the salt of this machine's passphrase there; it is never committed.
        content = b"\n".join(line for line in content.splitlines() if not line.startswith(b"encryptionsalt:"))
    return hashlib.sha256(content).hexdigest()


def _closure(checkout: Path, files: Iterable[str]) -> set[str]:
    """Return the files of `IMPORTED` packages that these files import, directly or indirectly.

    Modules that only the program's own modules import are left out: what the program deploys with them counts instead.
    """
    waiting, found = list(files), set[str]()
    while waiting:
        for name in _imports(checkout, waiting.pop()):
            if name not in found:
                found.add(name)
                if not name.startswith(PROGRAM):
                    waiting.append(name)
    return found


def _imports(checkout: Path, file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((checkout / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] in IMPORTED:
                path = module.replace(".", "/")
                yield from (name for name in (f"{path}.py", f"{path}/__init__.py") if (checkout / name).is_file())
