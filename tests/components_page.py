"""Tables of docs/components.md, which `make generate` writes: the names that stay the same between releases."""

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator

import pulumi

# Components of use to other programs, and the classes that they give; each with its module below `components`.
COMPONENTS = {
    "PlatformNamespace": "kubernetes.namespace",
    "Postgres": "database.postgres",
    "ExternalDatabase": "database.external_database",
    "ObjectStore": "artifacts.object_store",
    "ExternalStore": "artifacts.external_store",
    "SelfSignedCertificate": "exposure.certificate",
    "Bucket": "aws.bucket",
    "Rds": "aws.rds",
}
GIVEN = {
    "Database": "database.database",
    "Connection": "database.database",
    "ArtifactStore": "artifacts.artifact_store",
    "Certificate": "exposure.certificate",
    "Attachment": "kubernetes.pods",
    "Flow": "kubernetes.networks",
}
FUNCTIONS = {
    "kubernetes.pods": ("hardened_pod", "joined", "http_probe", "tcp_probe", "secret_env", "Resources"),
    "kubernetes.scheduling": ("pod_template", "Scheduling", "Toleration"),
    "kubernetes.networks": ("open_flows", "closed_namespace", "pods", "namespace", "anywhere_but_metadata"),
}
TABLES = re.compile(r"(?<=<!-- written by `make generate` -->\n).*?(?=<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """The page with the current tables."""
    return TABLES.sub(lambda _: "\n" + "\n".join(_tables()) + "\n", text)


def _tables() -> Iterator[str]:
    for name, module in COMPONENTS.items():
        component = getattr(importlib.import_module(f"components.{module}"), name)
        arguments = inspect.get_annotations(component.__init__, eval_str=True)["args"]
        yield f"### {name}\n\n{_sentence(component)} `{name}` and `{arguments.__name__}` are in"
        yield f"`mlflow_platform.components.{module}`.\n"
        yield "| argument | type | default | |\n|---|---|---|---|"
        yield from _fields(arguments)
        yield f"\nGives {_outputs(component)}.\n"
    yield "### What components give\n"
    for name, module in GIVEN.items():
        given = getattr(importlib.import_module(f"components.{module}"), name)
        yield f"`{name}` of `mlflow_platform.components.{module}`: {_sentence(given)}\n"
        yield "| field | type | default | |\n|---|---|---|---|"
        yield from _fields(given)
        yield ""
    yield "### Functions and helpers\n"
    for module, names in FUNCTIONS.items():
        yield f"`mlflow_platform.components.{module}`: {', '.join(f'`{name}`' for name in names)}.\n"


def _fields(shape: type) -> Iterator[str]:
    defaults = {field.name: field for field in dataclasses.fields(shape)}
    for name, (kind, meaning) in _declared(shape).items():
        yield f"| `{name}` | `{_cell(kind)}` | {_default(defaults[name])} | {_cell(meaning)} |"


def _default(field: "dataclasses.Field[object]") -> str:
    if (
        field.default_factory is not dataclasses.MISSING
        or dataclasses.is_dataclass(field.default)
        or field.default == ()
    ):
        return "empty"
    return "required" if field.default is dataclasses.MISSING else f"`{field.default!r}`"


def _declared(shape: type) -> dict[str, tuple[str, str]]:
    """Type and docstring of each public attribute that a class declares, as they are written."""
    (node,) = ast.parse(inspect.getsource(shape)).body
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{shape} is no class")
    found: dict[str, tuple[str, str]] = {}
    for one, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            said = after.value if isinstance(after, ast.Expr) else None
            meaning = str(said.value) if isinstance(said, ast.Constant) else ""
            found[one.target.id] = (ast.unparse(one.annotation), " ".join(meaning.split()))
    return found


def _outputs(component: type[pulumi.ComponentResource]) -> str:
    return ", ".join(f"`{name}: {kind}`" for name, (kind, _) in _declared(component).items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(documented: type) -> str:
    return " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())
