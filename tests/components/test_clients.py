import pytest

from components.clients import in_cluster_url


@pytest.mark.parametrize(
    ("public", "inside"),
    [
        ("https://mlflow.example.com", "http://mlflow.ml-platform.svc.cluster.local"),
        (
            "https://example.com/clusters/demo/mlflow",
            "http://mlflow.ml-platform.svc.cluster.local/clusters/demo/mlflow",
        ),
        ("https://example.com/mlflow/", "http://mlflow.ml-platform.svc.cluster.local/mlflow"),
    ],
)
def test_inside_the_cluster_mlflow_is_at_its_service_below_the_same_path(public: str, inside: str) -> None:
    assert in_cluster_url("ml-platform", public) == inside
