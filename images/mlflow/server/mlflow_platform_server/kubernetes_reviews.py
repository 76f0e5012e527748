"""Access reviews through the Kubernetes API; blocking."""

from http import HTTPStatus
from typing import Any

from mlflow_platform_server.kubernetes_api import AnswerError, KubernetesApi
from mlflow_platform_server.reviews import Asker, Identity, Question, ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import Caller

_AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_AUTHENTICATION = "/apis/authentication.k8s.io/v1"


def asker(api: KubernetesApi, *, by_token: bool) -> Asker:
    """The sender of access reviews: with the caller's token, or about the caller's name and groups."""
    return TokenReviews(api) if by_token else NameReviews(api)


class NameReviews:
    """Reviews about a caller's name and groups, with the server's own credential."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    def allowed(self, caller: Caller, question: Question, seconds: float) -> bool:
        """True if the caller has the right."""
        spec = {"user": caller.user, "groups": list(caller.groups), "resourceAttributes": _attributes(question)}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        try:
            answer = self._api.create(f"{_AUTHORIZATION}/subjectaccessreviews", review, seconds=seconds)
        except AnswerError as error:
            # 401 is about the server's own credential here, so it is a failure and no answer to the caller.
            raise ReviewFailedError(str(error)) from error
        return _decision(answer)

    def identity(self, caller: Caller, seconds: float) -> Identity:
        """The caller's name and groups, as they are."""
        del seconds
        return Identity(user=caller.user, groups=caller.groups)


class TokenReviews:
    """Reviews with the caller's own token."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    def allowed(self, caller: Caller, question: Question, seconds: float) -> bool:
        """True if the caller has the right."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": _attributes(question)},
        }
        return _decision(self._create(f"{_AUTHORIZATION}/selfsubjectaccessreviews", review, caller, seconds))

    def identity(self, caller: Caller, seconds: float) -> Identity:
        """The name and the groups that Kubernetes reads in the caller's token, with those that it adds."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._create(f"{_AUTHENTICATION}/selfsubjectreviews", review, caller, seconds)
        found = answer["status"]["userInfo"]
        return Identity(user=found.get("username", ""), groups=tuple(found.get("groups") or ()))

    def _create(self, path: str, review: dict[str, Any], caller: Caller, seconds: float) -> Any:
        if not caller.token:
            raise TokenRefusedError("There is no token.")
        try:
            return self._api.create(path, review, seconds=seconds, token=caller.token)
        except AnswerError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise TokenRefusedError("Kubernetes does not accept the token.") from error
            raise ReviewFailedError(str(error)) from error


def _attributes(question: Question) -> dict[str, str]:
    attributes = {
        "group": question.group,
        "resource": question.resource,
        "subresource": question.subresource,
        "verb": question.verb,
        "namespace": question.namespace,
        "name": question.name,
    }
    return {name: value for name, value in attributes.items() if value}


def _decision(answer: Any) -> bool:
    # Whatever is not a clear yes is a no.
    status = answer.get("status") or {}
    return status.get("allowed") is True and not status.get("denied")
