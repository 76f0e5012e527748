import json
import re
from pathlib import Path

import pytest
import yaml

from settings.schema.server import Images, Server

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
TARGET = re.compile(r"`?make (?:-s )?([a-z0-9-]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_of_ours_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_of_the_documentation_is_in_the_index_and_the_index_in_the_readme() -> None:
    index = ROOT / "docs" / "README.md"
    listed = set(LINK.findall(index.read_text(encoding="utf-8")))
    assert {page.name for page in PAGES[1:]} - listed == {index.name}
    assert "docs/README.md" in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_readme_names_five_pages_for_newcomers() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^## Documentation\n\n((?:\|.*\n)+)", readme, re.MULTILINE)
    assert len(LINK.findall(table)) == 5


def test_every_make_target_that_a_code_block_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        assert set(TARGET.findall("\n".join(blocks))) - targets == set(), page.name


VARIANTS = {path.stem: path for path in (ROOT / "testbed" / "e2e" / "variants").glob("*.yaml")}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_page_shows_of_a_way_in_is_what_is_deployed_to_test_it(name: str) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    (shown,) = re.findall(rf"```yaml\n# variant: {name}\n(.*?)```", pages, re.DOTALL)
    assert yaml.safe_load(shown) == yaml.safe_load(VARIANTS[name].read_text(encoding="utf-8"))


def test_what_the_page_about_images_adds_to_a_stack_file_is_right() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "images.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        ((section, shown),) = yaml.safe_load(block).items()
        model = {"mlflow-platform:server": Server, "mlflow-platform:images": Images}[section]
        model.model_validate_json(json.dumps(shown))
