"""Rules of row-level security, derived from small catalogs."""

import pytest

from components.scripts import row_rules
from components.scripts.row_rules import NoRuleError, Reference, Rule, Table, rules

WORKSPACE = "\"workspace\" = NULLIF(current_setting('mlflow.workspace', true), '')"


def reference(column: str, parent: str) -> Reference:
    return Reference(columns=(column,), parent=parent, parent_columns=("id",))


def table(*columns: str, references: tuple[Reference, ...] = (), kind: str = "r") -> Table:
    """A table whose columns are NOT NULL unless their names end with a question mark."""
    return Table(
        columns=frozenset(column.rstrip("?") for column in columns),
        required=frozenset(column for column in columns if not column.endswith("?")),
        references=references,
        kind=kind,
    )


ROOT = table("id", "workspace")
CHILD = table("id", "root", references=(reference("root", "roots"),))


def visible(child: str, column: str, parent: str) -> str:
    return f'(SELECT true FROM public."{parent}" AS parent WHERE parent."id" = "{child}"."{column}")'  # noqa: S608 - an expectation


def test_a_table_with_a_workspace_shows_the_rows_of_the_transactions_workspace() -> None:
    assert rules({"roots": ROOT}) == {"roots": Rule(visible=WORKSPACE, writable=WORKSPACE)}


def test_any_other_table_shows_the_rows_whose_parent_is_visible() -> None:
    condition = visible("children", "root", "roots")
    assert rules({"roots": ROOT, "children": CHILD})["children"] == Rule(
        visible=condition, writable=condition, through=("roots",)
    )


def test_the_shortest_obligatory_path_decides_and_a_row_is_written_only_if_all_its_parents_are_visible() -> None:
    grandchild = table(
        "child", "root", "other?",
        references=(reference("child", "children"), reference("other", "children"), reference("root", "roots")),
    )  # fmt: skip
    rule = rules({"roots": ROOT, "children": CHILD, "grandchildren": grandchild})["grandchildren"]
    root, child, other = (
        visible("grandchildren", column, parent)
        for column, parent in (("root", "roots"), ("child", "children"), ("other", "children"))
    )
    assert rule.visible == root
    assert rule.writable == f'({root}) AND ({child}) AND ("grandchildren"."other" IS NULL OR {other})'


def test_a_row_with_a_workspace_may_refer_to_visible_rows_only() -> None:
    linked = table("workspace", "child?", references=(reference("child", "children"),))
    rule = rules({"roots": ROOT, "children": CHILD, "linked": linked})["linked"]
    assert rule.visible == WORKSPACE
    assert rule.writable == f'({WORKSPACE}) AND ("linked"."child" IS NULL OR {visible("linked", "child", "children")})'


def test_a_foreign_key_that_includes_the_workspace_is_checked_by_the_database() -> None:
    key = Reference(columns=("workspace", "name"), parent="roots", parent_columns=("workspace", "id"))
    named = table("workspace", "name", references=(key,))
    assert rules({"roots": ROOT, "named": named})["named"].writable == WORKSPACE


def test_a_single_optional_reference_decides_and_a_row_without_it_is_nobodys() -> None:
    run = table("id", "root?", references=(reference("root", "roots"),))
    assert rules({"roots": ROOT, "runs_of": run})["runs_of"].visible == visible("runs_of", "root", "roots")


@pytest.mark.parametrize(
    "gadgets",
    [
        table("id"),
        table("id", "workspace?"),
        table("id", "root?", "other?", references=(reference("root", "roots"), reference("other", "roots"))),
        table("id", "root", references=(reference("root", "elsewhere"),)),
        table("id", "workspace", kind="v"),
        table("workspace", "other?", references=(reference("other", "elsewhere"),)),
        table("id", "root", "self", references=(reference("root", "roots"), reference("self", "gadgets"))),
    ],
    ids=["nothing", "no workspace", "two optional", "unknown parent", "a view", "unknown second parent", "itself"],
)
def test_a_table_that_nobody_owns_for_certain_is_named(gadgets: Table) -> None:
    with pytest.raises(NoRuleError, match="gadgets"):
        rules({"roots": ROOT, "gadgets": gadgets})


def test_a_name_cannot_leave_its_quotes() -> None:
    name = 'a"; DROP TABLE runs; --'
    rule = rules({"roots": ROOT, name: CHILD})[name]
    assert '"a""; DROP TABLE runs; --"."root"' in rule.visible


def test_tables_of_the_whole_installation_cannot_be_written() -> None:
    for name in ("alembic_version", "workspaces", "scheduler_leases"):
        assert not row_rules.WRITTEN[name].privileges & {"INSERT", "UPDATE", "DELETE"}
        assert row_rules.WRITTEN[name].writable == "false"
