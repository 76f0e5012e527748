from components.team.access_matrix import Matrix, as_data
from components.team.permissions import PROGRAM_VERBS, VERBS
from tests.tools.access.parts import PRICING, access
from tools.access.difference import ACTIONS, actions

READ = ["get", "list"]
WRITE = [*READ, "create", "update"]
ALL = [*WRITE, "delete"]


def rows(found: Matrix) -> list[tuple[str, str, str]]:
    return [(grant.team, grant.subject.name, grant.role) for grant in found.grants]


def test_a_team_has_its_groups_by_role_and_its_programs() -> None:
    groups = {"viewer": ["interns"], "editor": ["analysts"], "manager": ["leads", "data-platform"]}
    found = as_data(access({"pricing": {"groups": groups}}))["grants"]
    assert [(grant["kind"], grant["name"], grant["role"], grant["verbs"]) for grant in found] == [
        ("group", "data-platform", "manager", ALL),
        ("group", "leads", "manager", ALL),
        ("group", "analysts", "editor", WRITE),
        ("group", "interns", "viewer", READ),
        ("programs", "pricing/mlflow-client", "program", WRITE),
    ]
    for grant in found:
        assert grant["team"] == "pricing"
        assert grant["apiGroup"] == "mlflow.kubeflow.org"
        assert grant["resources"] == ["experiments", "datasets", "registeredmodels"]


def test_a_team_without_groups_is_managed_by_the_group_of_its_name() -> None:
    assert rows(access({"research": {}}))[0] == ("research", "research-mlflow-users", "manager")


def test_a_group_of_several_teams_shows_in_each() -> None:
    other = {"groups": {"viewer": ["data-platform"]}}
    assert [one for one in rows(access({"pricing": PRICING, "fraud": other})) if one[1] == "data-platform"] == [
        ("fraud", "data-platform", "viewer"),
        ("pricing", "data-platform", "manager"),
    ]


def test_in_an_archived_team_everybody_views_and_programs_get_in_no_more() -> None:
    found = access({"pricing": {"groups": {"viewer": ["interns"], "manager": ["leads"]}, "archived": True}})
    assert rows(found) == [("pricing", "interns", "viewer"), ("pricing", "leads", "viewer")]
    assert as_data(found)["archivedTeams"] == ["pricing"]


def test_service_accounts_that_a_team_lists_are_programs_of_it_while_it_is_not_archived() -> None:
    listed = {"serviceAccounts": ["trainer", "airflow/worker"]}
    assert rows(access({"pricing": listed}))[1:] == [
        ("pricing", "pricing/mlflow-client", "program"),
        ("pricing", "airflow/worker", "program"),
        ("pricing", "pricing/trainer", "program"),
    ]
    assert len(rows(access({"pricing": {**listed, "archived": True}}))) == 1


def test_holders_of_kubernetes_own_roles_count_when_the_setting_says_so() -> None:
    assert "kubernetes-role" not in {grant.subject.kind for grant in access().grants}
    found = [grant for grant in access(access={"aggregateRoles": True}).grants if grant.subject.kind != "group"]
    assert [(grant.team, grant.subject.name, list(grant.verbs)) for grant in found] == [
        ("pricing", "pricing/mlflow-client", WRITE),
        ("pricing", "admin", ALL),
        ("pricing", "edit", WRITE),
        ("pricing", "view", READ),
        ("research", "research/mlflow-client", WRITE),
        ("research", "admin", ALL),
        ("research", "edit", WRITE),
        ("research", "view", READ),
    ]


def test_kubernetes_own_roles_hold_in_archived_teams_too() -> None:
    found = access({"pricing": {"archived": True}}, access={"aggregateRoles": True})
    assert rows(found)[1:] == [
        ("pricing", "admin", "manager"),
        ("pricing", "edit", "editor"),
        ("pricing", "view", "viewer"),
    ]


def test_people_are_known_where_they_stand_in_the_stack_file() -> None:
    assert as_data(access())["people"] == {}
    assert as_data(access())["signIn"] == "https://login.example.com/realms/company"
    dev = as_data(access({"team-a": {}, "team-b": {}}, "dev"))
    assert dev["signIn"] == "here"
    assert dev["people"] == {
        "alice@example.com": ["team-a-mlflow-users"],
        "bob@example.com": ["team-b-mlflow-users"],
        "carol@example.com": [],
        "dora@example.com": ["team-a-mlflow-users", "team-b-mlflow-users"],
    }


def test_cluster_administrators_are_named() -> None:
    assert "system:masters" in as_data(access())["always"]


def test_actions_are_all_verbs_of_the_role_table_each_whole_or_not_at_all() -> None:
    for verbs in (*VERBS.values(), PROGRAM_VERBS):
        assert sorted(verb for action in actions(verbs) for verb in ACTIONS[action]) == sorted(verbs)


def test_log_only_accounts_have_a_row_for_each_kind_of_right() -> None:
    found = as_data(access({"pricing": {"loggingAccounts": ["tasks"]}}))["grants"][1:]
    assert [(grant["name"], grant["role"], grant["resources"], grant["verbs"]) for grant in found] == [
        ("pricing/mlflow-client", "program", ["experiments", "datasets", "registeredmodels"], WRITE),
        ("pricing/tasks", "logger", ["experiments"], WRITE),
        ("pricing/tasks", "logger", ["datasets", "registeredmodels"], READ),
    ]
    assert rows(access({"pricing": {"loggingAccounts": ["tasks"], "archived": True}})) == [
        ("pricing", "pricing-mlflow-users", "viewer")
    ]
