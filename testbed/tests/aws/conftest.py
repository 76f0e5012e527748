from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.aws import server
from testbed.aws.issuer import Issuer
from testbed.tests.aws.world import World, program, provider_of

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The AWS stand-in with the resources of the stack `prod`, and with its cluster's issuer registered in IAM."""
    with server.running() as aws:
        made = World(aws=aws, directory=Path(tmp_path_factory.mktemp("aws")), issuer=Issuer(ISSUER))
        aws.trust_issuer(ISSUER, made.issuer.keys)
        made.administrator("iam").create_open_id_connect_provider(
            Url=ISSUER, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
        )
        made.furnish()
        made.settle(program(made, {"kind": "irsa", "oidcProvider": provider_of(made.issuer)}))
        yield made
