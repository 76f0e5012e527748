"""Scripts that run in the server's pod. They are sent there as text, which no type checker compares with the server."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = "mlflow_platform_server"
SERVER = CHECKOUT / "images" / "mlflow" / "server" / PACKAGE
SCRIPTS = [
    file
    for folder in ("tools/doctor/server", "tools/server", "tools/usage/server", "testbed/e2e/attack/server")
    for file in sorted((CHECKOUT / folder).glob("*.py"))
    if PACKAGE in file.read_text(encoding="utf-8")
]


def modules(tree: ast.Module) -> dict[str, str]:
    """Modules of the server's package that a script imports, by the name they have in it."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE
        for alias in node.names
    }


def definition(module: str, name: str) -> ast.stmt | None:
    """The statement that defines a name in a module of the server's package."""
    for statement in ast.parse((SERVER / f"{module}.py").read_text(encoding="utf-8")).body:
        match statement:
            case ast.FunctionDef() | ast.ClassDef() if statement.name == name:
                return statement
            case ast.Assign() if any(isinstance(one, ast.Name) and one.id == name for one in statement.targets):
                return statement
            case ast.AnnAssign(target=ast.Name(id=known)) if known == name:
                return statement
            case _:
                pass
    return None


def signature(function: ast.FunctionDef) -> inspect.Signature:
    """The parameters of a function, without their types."""
    arguments = function.args
    kind = inspect.Parameter
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    parameters = [
        kind(one.arg, kind.POSITIONAL_OR_KEYWORD, default=kind.empty if index < required else None)
        for index, one in enumerate(positional)
    ]
    if arguments.vararg:
        parameters.append(kind(arguments.vararg.arg, kind.VAR_POSITIONAL))
    parameters += [
        kind(one.arg, kind.KEYWORD_ONLY, default=kind.empty if default is None else None)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        parameters.append(kind(arguments.kwarg.arg, kind.VAR_KEYWORD))
    return inspect.Signature(parameters)


def faults(script: str) -> Iterator[str]:
    """Uses of the server's package that the package does not have, and calls that its functions do not accept."""
    tree = ast.parse(script)
    known = modules(tree)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known):
            continue
        used = f"{known[node.value.id]}.{node.attr}"
        defined = definition(known[node.value.id], node.attr)
        if defined is None:
            yield f"line {node.lineno}: there is no {used}"
        call = calls.get(id(node))
        if call is None or not isinstance(defined, ast.FunctionDef):
            continue
        try:
            signature(defined).bind(*call.args, **{one.arg: None for one in call.keywords if one.arg})
        except TypeError as error:
            yield f"line {node.lineno}: {used}: {error}"


@pytest.mark.parametrize("file", SCRIPTS, ids=[file.name for file in SCRIPTS])
def test_a_script_calls_the_server_as_the_server_is_written(file: Path) -> None:
    assert list(faults(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("database_scope.install()", "missing a required argument: 'statement_seconds'"),
        ("database_scope.install(1, 2)", "too many positional arguments"),
        ("database_scope.install(statement_seconds=1)", ""),
        ("database_scope.installed", "there is no database_scope.installed"),
    ],
)
def test_a_call_that_the_server_does_not_accept_is_found(line: str, fault: str) -> None:
    found = list(faults(f"from {PACKAGE} import database_scope\n{line}\n"))
    assert [fault in one for one in found] == [True] * bool(fault)
