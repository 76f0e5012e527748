from settings.sizing import replicas
from tests.program.stacks import recorded


def test_a_rollout_starts_as_many_additional_pods_as_the_sums_count() -> None:
    strategy = recorded("dev")["mlflow-server"].inputs["spec"]["strategy"]
    assert strategy["rollingUpdate"]["maxSurge"] == replicas.SURGE
