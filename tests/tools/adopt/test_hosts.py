import pytest

from tools.adopt import hosts

SOURCE = "https://mlflow.example.com"


@pytest.mark.parametrize(
    "uri",
    [
        "https://mlflow.example.com/x",
        "https://MLFLOW.example.com:443/x",
        "mlflow-artifacts:/1",
        "mlflow-artifacts://mlflow.example.com:443/1",
        "http://files.example.com:8080/1",
        "s3://bucket/1",
        "/srv/old",
    ],
)
def test_source_and_what_artifacts_names_are_read(uri: str) -> None:
    hosts.check(uri, [SOURCE, "http://files.example.com:8080/base"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/x",
        "http://mlflow.example.com/x",
        "https://mlflow.example.com:8443/x",
        "https://mlflow.example.com@evil.example/x",
        "https://evil.example\\@mlflow.example.com/x",
        "mlflow-artifacts://evil.example:443/1",
    ],
)
def test_another_host_is_named_and_gets_nothing(uri: str) -> None:
    with pytest.raises(hosts.HostError, match=r"at the host .*, which is not SOURCE.*ARTIFACTS=FROM=TO"):
        hosts.check(uri, [SOURCE])
