"""People in a browser see the experiments, models and charts of their teams, and of no other."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from testbed.e2e.browser import CLOSED_ASSISTANT, Watch, session, sign_in
from testbed.e2e.mlflow_client import Client
from tests import snippets
from tools.stack import Platform

ALICE, BOB, DORA = "alice@example.com", "bob@example.com", "dora@example.com"
# MLflow's own accounts, which are not used here, and its assistant, which runs on the user's machine only. The pages
# ask for both and say nothing when they are refused.
REFUSED_IN_SILENCE = {
    "/ajax-api/2.0/mlflow/users/current",
    "/ajax-api/3.0/mlflow/assistant/config",
    "/ajax-api/3.0/mlflow/assistant/providers",
}
# An empty page of this size compresses to less.
SMALLEST_PICTURE = 30_000


@pytest.fixture(scope="module")
def experiments(client: Client) -> dict[str, dict[str, Any]]:
    return {
        "team-a": client.script("training_curves", "churn-model", team="team-a"),
        "team-b": client.script("training_curves", "demand-forecast", team="team-b"),
    }


def test_a_member_of_team_a_sees_team_as_experiment_and_not_team_bs(
    browser: Browser,
    platform: Platform,
    passwords: dict[str, str],
    experiments: dict[str, dict[str, Any]],
) -> None:
    with session(browser) as page:
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        expect(page.get_by_role("link", name="team-a", exact=True)).to_be_visible()
        expect(page.get_by_text("team-b", exact=True)).to_have_count(0)
        page.goto(f"{platform.url}/#/experiments/{experiments['team-a']['experiment_id']}/runs?workspace=team-a")
        expect(page.get_by_text("churn-model", exact=True).first).to_be_visible()
        expect(page.get_by_text("demand-forecast")).to_have_count(0)
        page.goto(f"{platform.url}/#/experiments?workspace=team-b")
        page.reload()
        expect(page.get_by_text("Create your first experiment", exact=True)).to_be_visible()
        expect(page.get_by_text("demand-forecast")).to_have_count(0)
        other = experiments["team-b"]["experiment_id"]
        with page.expect_response(lambda response: "experiments/get?" in response.url) as refused:
            page.goto(f"{platform.url}/#/experiments/{other}/runs?workspace=team-b")
            page.reload()
        assert refused.value.status == 403
        expect(page.get_by_text("demand-forecast")).to_have_count(0)


def test_a_member_of_team_b_sees_the_experiment_that_team_a_does_not(
    browser: Browser,
    platform: Platform,
    passwords: dict[str, str],
    experiments: dict[str, dict[str, Any]],
) -> None:
    """Control: the experiment that Alice does not see exists."""
    with session(browser) as page:
        sign_in(page, platform.url, BOB, passwords[BOB])
        page.goto(f"{platform.url}/#/experiments/{experiments['team-b']['experiment_id']}/runs?workspace=team-b")
        expect(page.get_by_text("demand-forecast", exact=True).first).to_be_visible()


def test_a_member_of_two_teams_goes_from_one_to_the_other(
    browser: Browser,
    platform: Platform,
    passwords: dict[str, str],
    experiments: dict[str, dict[str, Any]],
) -> None:
    assert set(experiments) == {"team-a", "team-b"}
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, platform.url, DORA, passwords[DORA])
        page.get_by_role("link", name="team-a", exact=True).click()
        _find_experiment(page, "churn-model")
        expect(page.get_by_text("churn-model", exact=True).first).to_be_visible()
        _find_experiment(page, "demand-forecast")
        # The answer to this search is shown, and it is empty.
        expect(page.get_by_text("churn-model", exact=True)).to_have_count(0)
        expect(page.get_by_text("demand-forecast", exact=True)).to_have_count(0)
        page.get_by_role("combobox", name="Workspace").click()
        page.get_by_role("option", name="team-b").click()
        _find_experiment(page, "demand-forecast")
        expect(page.get_by_text("demand-forecast", exact=True).first).to_be_visible()
        _find_experiment(page, "churn-model")
        expect(page.get_by_text("demand-forecast", exact=True)).to_have_count(0)
        expect(page.get_by_text("churn-model", exact=True)).to_have_count(0)


def _find_experiment(page: Page, name: str) -> None:
    """Open the list of experiments and search it: experiments of other tests may fill its first page."""
    page.get_by_role("link", name="Experiments", exact=True).first.click()
    search = page.get_by_role("textbox", name="Search experiments")
    search.fill(name)
    search.press("Enter")


def test_stages_and_aliases_of_a_model_are_seen_through_the_login(
    browser: Browser, platform: Platform, passwords: dict[str, str], client: Client
) -> None:
    """The client moves versions between stages, and the page shows each version's stage."""
    made = client.script("registry", "credit-risk", team="team-a")
    first, second = made["versions"]
    assert made["stages"] == {first: "Production", second: "None"}
    assert made["champion"] == second
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, f"{platform.url}/#/models/credit-risk?workspace=team-a", ALICE, passwords[ALICE])
        expect(page.get_by_text(f"Version {second}", exact=True).first).to_be_visible()
        expect(page.get_by_text("champion").first).to_be_visible()
        page.goto(f"{platform.url}/#/models/credit-risk/versions/{first}?workspace=team-a")
        expect(page.get_by_text("Production").first).to_be_visible()


def test_no_page_of_a_member_is_refused_anything(
    browser: Browser,
    platform: Platform,
    passwords: dict[str, str],
    experiments: dict[str, dict[str, Any]],
) -> None:
    """MLflow shows a refused request as a red message over the page."""
    made = experiments["team-a"]
    experiment = f"/experiments/{made['experiment_id']}"
    run = f"{experiment}/runs/{made['run_ids'][0]}"
    pages = ("/experiments", f"{experiment}/runs", run, f"{run}/model-metrics", f"{run}/artifacts", "/models")
    with session(browser) as page:
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        for path in pages:
            page.goto(f"{platform.url}/#{path}?workspace=team-a")
            watch = Watch(page)
            page.reload()
            watch.settle()
            assert watch.refused <= REFUSED_IN_SILENCE, f"{path}: {watch.refused - REFUSED_IN_SILENCE}"
            expect(page.get_by_text("Request Failed")).to_have_count(0)


def test_the_charts_of_a_run_are_drawn(
    browser: Browser,
    platform: Platform,
    passwords: dict[str, str],
    experiments: dict[str, dict[str, Any]],
    pictures: Path,
) -> None:
    """Also takes the README's screenshot: the real pages after the login, with curves."""
    experiment = experiments["team-a"]["experiment_id"]
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        page.goto(f"{platform.url}/#/experiments/{experiment}/runs?workspace=team-a&compareRunsMode=CHART")
        watch = Watch(page)
        expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_visible()
        watch.settle()
        page.screenshot(path=pictures / "mlflow.png")
    assert (pictures / "mlflow.png").stat().st_size > SMALLEST_PICTURE


def test_runs_are_compared_at_the_documented_address(
    browser: Browser, platform: Platform, passwords: dict[str, str], experiments: dict[str, dict[str, Any]]
) -> None:
    first, second, *_ = experiments["team-a"]["run_ids"]
    address = snippets.compare_page().replace('"RUN","RUN"', f'"{first}","{second}"')
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        page.goto(f"{platform.url}/{address.replace('EXPERIMENT', experiments['team-a']['experiment_id'])}")
        expect(page.get_by_text("Comparing 2 Runs from 1 Experiment").first).to_be_visible()
        expect(page.get_by_text("learning_rate").first).to_be_visible()
