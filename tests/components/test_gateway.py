from components.exposure.gateway import Address, Gateway, GatewayArgs
from tests.components.parts import ADDRESS, HOST, ROUTE, service
from tests.harness import Recording, deploy


def gateway(address: Address = ADDRESS, *, preview: bool = False) -> Recording:
    def program() -> dict[str, object]:
        args = GatewayArgs(address=address, service=service(), route=ROUTE)
        return {"url": Gateway("gateway", args).url}

    return deploy(program, preview=preview)


def test_there_is_one_ingress_which_routes_to_the_service_by_tls() -> None:
    inputs = gateway()["gateway-ingress"].inputs
    # Nothing depends on it, and after a quick update the provider's wait may return the Ingress of before.
    assert inputs["metadata"]["annotations"] == {"example.com/a": "b", "pulumi.com/skipAwait": "true"}
    assert inputs["spec"] == {
        "ingressClassName": "traefik",
        "tls": [{"hosts": [HOST], "secretName": "mlflow-tls"}],
        "rules": [
            {
                "host": HOST,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "some-service", "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
    }


def test_below_a_path_no_other_path_of_the_host_is_routed() -> None:
    got = gateway(Address(host=HOST, path="/clusters/demo/mlflow"))
    (rule,) = got["gateway-ingress"].inputs["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/clusters/demo/mlflow"]
    assert got.exports == {"url": f"https://{HOST}/clusters/demo/mlflow"}


def test_a_preview_shows_the_url_for_clients() -> None:
    assert gateway(preview=True).exports == {"url": f"https://{HOST}"}
