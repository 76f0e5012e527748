from components.aws.web_identity import to_aws, web_identity
from tests.harness import deploy


def test_aws_gets_a_token_of_the_pods_service_account() -> None:
    given = web_identity("arn:aws:iam::123456789012:role/mlflow")
    (mount,), (volume,) = given.mounts, given.volumes
    assert {one.name: one.value for one in given.env} == {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/mlflow",
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{mount.mount_path}/token",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }
    assert (mount.name, mount.read_only) == (volume.name, True)


def test_the_token_is_valid_for_aws_alone_and_for_an_hour() -> None:
    def program() -> dict[str, object]:
        (volume,) = web_identity("arn").volumes
        return {"volume": volume.projected}

    token = {"audience": "sts.amazonaws.com", "expirationSeconds": 3600, "path": "token"}
    assert deploy(program).exports["volume"] == {"sources": [{"serviceAccountToken": token}]}


def test_aws_is_reached_by_https() -> None:
    assert [flow.ports for flow in to_aws().flows] == [[443]]
