"""The server makes the IDs of assessments that are added to a trace."""

from types import SimpleNamespace

from mlflow_platform_server.assessment_ids import made_here


def test_an_id_that_a_client_chose_does_not_reach_the_database() -> None:
    create = made_here(lambda _, assessment: assessment.assessment_id or "new")
    assert create(None, SimpleNamespace(assessment_id="of another team")) == "new"
