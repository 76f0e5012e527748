"""The components under the name of the package: `components` is `mlflow_platform.components` there.

In the repository they are a package at the top, whose name would collide with the `components` that most Pulumi
programs have. The build writes a copy whose imports have the other name; nothing else in it differs.
"""  # noqa: INP001 - the build reads the file

import re
from pathlib import Path

PACKAGE = "mlflow_platform"
COMPONENTS = "components"
IMPORT = re.compile(rf"^(\s*)(from|import) {COMPONENTS}(?=[. ])", re.MULTILINE)
INIT = '''"""Parts of the MLflow platform for other Pulumi programs."""
'''


def renamed(source: str) -> str:
    """The source of a module, with imports of `components` changed to the package's name."""
    return IMPORT.sub(rf"\1\2 {PACKAGE}.{COMPONENTS}", source)


def write(components: Path, target: Path) -> Path:
    """Write the package below the folder `target`; returns its folder."""
    package = target / PACKAGE
    for file in sorted(components.rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        copy = package / COMPONENTS / file.relative_to(components)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text(encoding="utf-8")
        # What runs in pods imports nothing of the package.
        runs_in_pods = "scripts" in file.relative_to(components).parts[:-1]
        copy.write_text(text if runs_in_pods or file.suffix != ".py" else renamed(text), encoding="utf-8")
    (package / "__init__.py").write_text(INIT, encoding="utf-8")
    # Type checkers of other programs read the types.
    (package / "py.typed").touch()
    return package
