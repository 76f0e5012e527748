from components.team.client_environment import in_cluster_url


def test_inside_the_cluster_mlflow_is_at_its_service_below_the_same_path() -> None:
    assert in_cluster_url("ml-platform", "") == "http://mlflow.ml-platform.svc.cluster.local"
    assert (
        in_cluster_url("ml-platform", "/clusters/demo") == "http://mlflow.ml-platform.svc.cluster.local/clusters/demo"
    )
