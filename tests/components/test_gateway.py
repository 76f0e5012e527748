import components as c
from tests.components.parts import CERTIFICATE, HOST, NAMESPACE, ROUTE, service
from tests.harness import Recording, deploy


def gateway(*, preview: bool = False) -> Recording:
    def program() -> dict[str, object]:
        args = c.GatewayArgs(namespace=NAMESPACE, host=HOST, service=service(), route=ROUTE, certificate=CERTIFICATE)
        return {"url": c.Gateway("gateway", args).url}

    return deploy(program, preview=preview)


def test_there_is_one_way_in_and_it_leads_to_the_service_by_tls() -> None:
    found = gateway()["gateway-ingress"].inputs
    assert found["metadata"]["annotations"] == {"example.com/a": "b"}
    assert found["spec"] == {
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


def test_a_preview_shows_the_url_that_clients_will_be_given() -> None:
    assert gateway(preview=True).exports == {"url": f"https://{HOST}"}
