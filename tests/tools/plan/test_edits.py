from typing import Any

import pytest
import yaml

from settings.loader import Source, from_file
from tests.settings.stack_files import changed
from tools.access.words import MARKDOWN, PLAIN
from tools.plan.edits import Edit, edits, sentence


def source(**sections: Any) -> Source:  # noqa: ANN401 - sections of a stack file
    config = {f"mlflow-platform:{key}": value for key, value in changed("dev", sections).items()}
    return from_file(yaml.safe_dump({"config": config}))


def told(now: Source) -> list[str]:
    return [sentence(one, PLAIN) for one in edits("dev", source(), now)]


def test_a_setting_has_its_old_and_its_new_value() -> None:
    assert told(source(host="ml.localhost")) == ["host: mlflow.localhost → ml.localhost"]
    assert told(source()) == []


def test_what_the_file_did_not_write_had_the_default() -> None:
    found = told(source(workspaces={"apiServer": True}, cluster={"apiServer": ["10.0.0.1/32"]}))
    assert 'cluster.apiServer: ["10.0.0.1/32"] is new' in found
    assert "workspaces.apiServer: false (default) → true" in found


def test_a_new_and_a_removed_team_are_one_line_each() -> None:
    found = told(
        source(teams={"team-a": {"description": "Recommendation models"}, "team-c": {"description": "Pricing"}})
    )
    assert found == [
        'teams.team-b: {"description": "Demand forecasting"} is removed from the file',
        'teams.team-c: {"description": "Pricing"} is new',
    ]


def test_a_default_that_is_written_out_is_said_to_change_nothing() -> None:
    groups = {"manager": ["team-b-mlflow-users"], "viewer": ["interns"]}
    plain = {"team-a": {"description": "Recommendation models"}, "team-b": {"description": "Demand forecasting"}}
    written = {**plain, "team-b": {**plain["team-b"], "groups": groups}}
    assert told(source(teams=written)) == [
        (
            'teams.team-b.groups.manager: ["team-b-mlflow-users"] is now written out; it is the default, so this'
            " changes nothing"
        ),
        'teams.team-b.groups.viewer: ["interns"] is new',
    ]
    back = [sentence(one, PLAIN) for one in edits("dev", source(teams=written), source())]
    assert '["team-b-mlflow-users"] is no longer written out; it is the default' in back[0]


@pytest.mark.parametrize(
    "database", [{"password": "hunter2"}, {"password": ["hunter2"]}, {"host": "postgres://a:hunter2@b/c"}]
)
def test_a_text_that_may_be_secret_is_not_shown_even_in_a_file_with_mistakes(database: dict[str, Any]) -> None:
    found = told(source(database={"kind": "in-cluster", "storage": "5Gi", **database}))
    assert len(found) == 1
    assert "secret" in found[0]
    assert "hunter2" not in found[0]


def test_an_encrypted_key_changes_without_its_values() -> None:
    old, new = (
        Source(document={"a": {"b": value}}, encrypted=frozenset({"a"}), elsewhere=(), secrets={}) for value in (1, 2)
    )
    assert edits("dev", old, new) == [Edit(key="a", before="", after="")]
    assert sentence(Edit(key="a", before="", after=""), PLAIN) == "a: changes (secret)"


def test_no_value_can_leave_its_place_in_a_comment() -> None:
    said = sentence(Edit(key="host", before="a", after="@everybody [click](https://evil)"), MARKDOWN)
    assert said == "**host**: a → `@everybody [click](https://evil)`"


def test_teams_of_a_server_outside_the_stack_have_no_groups_that_could_be_written_out() -> None:
    server = {"kind": "external", "url": "https://tracking.example.com", "addresses": ["192.0.2.10/32"]}

    def outside(**team: str) -> Source:
        config = {"profile": "evaluation", "server": server, "teams": {"team-a": team}}
        return from_file(yaml.safe_dump({"config": {f"mlflow-platform:{key}": value for key, value in config.items()}}))

    found = edits("dev", outside(), outside(description="Pricing"))
    assert [one.key for one in found] == ["teams.team-a.description"]
