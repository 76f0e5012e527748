"""The files that are generated from the program: `make generate` (`python -m tests.generated`) writes all of them.

They are in the repository because people read them and review their changes. This module is in `tests/` and not in
`tools/`, because the snapshots and the table of connections come from the program as the tests record it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import yaml

from settings import Settings, json_schema, outline, page, sizing_page
from settings.secrets import NEEDS
from tests import components_page, policy_page, versions_page
from tests.program import snapshot, test_networks
from tests.program.stacks import STACKS, recorded
from tools import policy_config
from tools.versions import MLFLOW

ROOT = Path(__file__).resolve().parents[1]
# The MLflow image with a version behind it, under any registry.
IMAGE = re.compile(r"(/mlflow:)[0-9]+(?:\.\w+)*")
TABLE = re.compile(r"\| from \| to \|\n(?:\|.*\n)+")
# In Pulumi.yaml everything above the first key is written by hand.
FIRST_KEY = re.compile(r"^  profile:\n", re.MULTILINE)

Renewal = Callable[[str], str]
"""A function that makes the new text of a file from its current text."""


def with_version(text: str) -> str:
    """The text with the current MLflow version in each reference to the image."""
    return IMAGE.sub(rf"\g<1>{MLFLOW}", text)


def with_table(text: str) -> str:
    """The page about networks with the current table of connections."""
    return TABLE.sub(lambda _: f"{test_networks.table()}\n", text)


def with_keys(text: str) -> str:
    """Pulumi.yaml with the current keys of the stack file and their descriptions."""
    return FIRST_KEY.split(text)[0] + "".join(_keys())


def _keys() -> Iterator[str]:
    for key, field in outline.fields(Settings).items():
        yield f'  {key}:\n    default: ""\n    description: {scalar(field.description or "")}\n'
    for key, need in NEEDS.items():
        yield f'  {key}:\n    secret: true\n    default: ""\n    description: {scalar(need.meaning)}\n'


def scalar(text: str) -> str:
    """The text as a YAML scalar in one line, with quotes only where it needs them."""
    return yaml.safe_dump(text, width=1_000).splitlines()[0]


def _configuration(_: str) -> str:
    # The example of the server's image has MLflow's version.
    return with_version(page.page())


def _schema(_: str) -> str:
    return json_schema.text()


def _sizing(_: str) -> str:
    return sizing_page.page()


def _versions(_: str) -> str:
    return versions_page.page()


def _policy_schema(_: str) -> str:
    return policy_config.schema_text()


def _snapshot(stack: str, _: str) -> str:
    return snapshot.text(recorded(stack))


def renewals() -> Mapping[Path, Renewal]:
    """Each generated file, with the function that makes its new text."""
    stacks = [*ROOT.glob("Pulumi.*.yaml"), *sorted((ROOT / "examples" / "stacks").glob("Pulumi.*.yaml"))]
    named = [ROOT / "README.md", ROOT / "images" / "mlflow" / "Dockerfile", *stacks]
    return {
        **dict.fromkeys([*named, *sorted((ROOT / "docs").glob("*.md"))], with_version),
        ROOT / "Pulumi.yaml": with_keys,
        ROOT / "docs" / "configuration.md": _configuration,
        ROOT / "docs" / "pulumi-stack.schema.json": _schema,
        ROOT / "docs" / "sizing.md": _sizing,
        ROOT / "docs" / "components.md": components_page.with_tables,
        ROOT / "docs" / "networks.md": with_table,
        ROOT / "docs" / "policy.md": policy_page.with_tables,
        ROOT / "docs" / "policy-config.schema.json": _policy_schema,
        ROOT / "docs" / "versions.md": _versions,
        **{snapshot.file_of(stack): partial(_snapshot, stack) for stack in STACKS},
    }


def main() -> None:
    """Write every generated file that is out of date, and print its name."""
    changed = False
    for path, renewed in renewals().items():
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = renewed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"renewed {path.relative_to(ROOT)}")
            changed = True
    if not changed:
        print("every generated file is current")


if __name__ == "__main__":
    main()
