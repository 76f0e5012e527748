"""Access reviews through the Kubernetes API; blocking."""

from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from mlflow_platform_server import reviews
from mlflow_platform_server.known_identities import reviewed_user
from mlflow_platform_server.reviews import Asker, ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import Caller

UNAUTHORIZED = 401


def asker(*, by_token: bool) -> Asker:
    """Return the function that sends access reviews: with the caller's token, or about the caller's name and groups."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except ConfigException:
        config.load_kube_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = reviews.THREADS
    # A second attempt would end after the request has been answered.
    configuration.retries = urllib3.Retry(0)
    return _with_token(configuration) if by_token else _about_name(client.ApiClient(configuration))


def _about_name(api_client: Any) -> Asker:
    authorization = client.AuthorizationV1Api(api_client)

    def ask(caller: Caller, namespace: str) -> bool:
        spec = client.V1SubjectAccessReviewSpec(
            user=reviewed_user(caller.user), groups=list(caller.groups), resource_attributes=_attributes(namespace)
        )
        body = client.V1SubjectAccessReview(spec=spec)
        # 401 is about the server's own credential here, so it is a failure and no answer to the caller.
        return _decision(authorization.create_subject_access_review, body, unauthorized=ReviewFailedError)

    return ask


def _with_token(own: Any) -> Asker:
    def ask(caller: Caller, namespace: str) -> bool:
        # The server's own credential must not take part, so only address and CA certificates are taken over.
        configuration = client.Configuration()
        for name in ("host", "ssl_ca_cert", "verify_ssl", "assert_hostname", "proxy", "no_proxy", "retries"):
            setattr(configuration, name, getattr(own, name))
        api_client = client.ApiClient(configuration, "Authorization", f"Bearer {caller.token}")
        spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=_attributes(namespace))
        body = client.V1SelfSubjectAccessReview(spec=spec)
        create = client.AuthorizationV1Api(api_client).create_self_subject_access_review
        try:
            return _decision(create, body, unauthorized=TokenRefusedError)
        finally:
            api_client.close()

    return ask


def _attributes(namespace: str) -> Any:
    return client.V1ResourceAttributes(
        group=reviews.GROUP, resource=reviews.RESOURCE, verb=reviews.VERB, namespace=namespace
    )


def _decision(create: Any, body: Any, *, unauthorized: type[Exception]) -> bool:
    try:
        answer = create(body, _request_timeout=reviews.TIMEOUT_SECONDS)
    except ApiException as error:
        if error.status == UNAUTHORIZED:
            message = "Kubernetes does not accept the token."
            raise unauthorized(message) from error
        message = f"Kubernetes answered {error.status} to an access review."
        raise ReviewFailedError(message) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        message = f"Kubernetes cannot be reached: {type(error).__name__}."
        raise ReviewFailedError(message) from error
    # Whatever is not a clear yes is a no.
    return answer.status is not None and answer.status.allowed is True and not answer.status.denied
