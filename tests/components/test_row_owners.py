"""Paths from rows to workspaces in small catalogs; the rehearsal `undelete` compares them with real policies."""

from typing import Any

import pytest

from tests.components.pod_scripts import load


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - likewise
    """The script `row_owners` as a module."""
    return load(monkeypatch, "row_owners")


def table(owners: Any, *columns: str, parents: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - likewise
    """A table with NOT NULL columns; `parents` has the parent tables of some columns."""
    rules = owners.row_rules
    references = tuple(
        rules.Reference(columns=(column,), parent=parent, parent_columns=("id",))
        for column, parent in (parents or {}).items()
    )
    return rules.Table(columns=frozenset(columns), required=frozenset(columns), references=references)


def catalog(owners: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
    """A root table, its child and grandchild tables, and a table without a workspace."""
    return {
        "roots": table(owners, "id", "workspace"),
        "children": table(owners, "id", "root", parents={"root": "roots"}),
        "grandchildren": table(owners, "id", "child", parents={"child": "children"}),
        "workspaces": table(owners, "name"),
    }


def test_a_row_with_a_workspace_belongs_to_it(owners: Any) -> None:  # noqa: ANN401 - likewise
    assert owners.owners(catalog(owners))["roots"] == owners.Owner(joins=(), workspace='own."workspace"')


def test_any_other_row_belongs_to_the_workspace_at_the_end_of_its_foreign_keys(owners: Any) -> None:  # noqa: ANN401 - likewise
    owner = owners.owners(catalog(owners))["grandchildren"]
    assert owner.workspace == 'parent_2."workspace"'
    assert owner.rows("grandchildren") == (
        'public."grandchildren" AS own'
        ' LEFT JOIN public."children" AS parent_1 ON parent_1."id" = own."child"'
        ' LEFT JOIN public."roots" AS parent_2 ON parent_2."id" = parent_1."root"'
    )


def test_a_table_of_the_whole_installation_belongs_to_nobody_and_is_left_alone(owners: Any) -> None:  # noqa: ANN401 - likewise
    assert set(owners.owners(catalog(owners))) == {"roots", "children", "grandchildren"}
    assert "workspaces" not in owners.order(catalog(owners))


def test_every_written_rule_has_a_path_here_or_is_of_the_whole_installation(
    owners: Any,  # noqa: ANN401 - likewise
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert owners.row_rules.WRITTEN.keys() == owners.STEPS.keys() | owners.NOBODYS | {"entity_associations"}
    monkeypatch.setitem(owners.row_rules.WRITTEN, "gadgets", owners.row_rules.Rule(visible="true"))
    with pytest.raises(owners.row_rules.NoRuleError, match="gadgets"):
        owners.owners(catalog(owners))


def test_a_table_without_a_rule_is_named(owners: Any) -> None:  # noqa: ANN401 - likewise
    with pytest.raises(owners.row_rules.NoRuleError, match="gadgets"):
        owners.owners({**catalog(owners), "gadgets": table(owners, "id")})


def test_each_table_comes_after_those_that_it_refers_to_by_key_or_by_rule(owners: Any) -> None:  # noqa: ANN401 - likewise
    tables = {
        "input_tags": table(owners, "input_uuid"),
        "inputs": table(owners, "source_id"),
        "runs": table(owners, "id", "root", parents={"root": "roots"}),
        **catalog(owners),
    }
    order = owners.order(tables)
    for first, second in (
        ("roots", "runs"),
        ("runs", "inputs"),
        ("inputs", "input_tags"),
        ("children", "grandchildren"),
    ):
        assert order.index(first) < order.index(second)


def test_foreign_keys_in_a_circle_have_no_order(owners: Any) -> None:  # noqa: ANN401 - likewise
    circle = {
        "a": table(owners, "id", "b", parents={"b": "b"}),
        "b": table(owners, "id", "a", parents={"a": "a"}),
    }
    with pytest.raises(owners.NoOrderError, match="a"):
        owners.order(circle)
