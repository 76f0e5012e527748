"""The operations of the kubernetes stand-in against a server that remembers objects."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from testbed.providers.engine import Engine
from testbed.providers.kubernetes import create as creation
from testbed.providers.kubernetes import waiting
from testbed.providers.kubernetes.api_errors import ApiError
from testbed.providers.kubernetes.checkpoint import checkpoint
from testbed.providers.kubernetes.client import Cluster
from testbed.providers.kubernetes.create import create
from testbed.providers.kubernetes.delete import delete
from testbed.providers.kubernetes.read import read
from testbed.providers.kubernetes.settings import Settings
from testbed.providers.kubernetes.update import Wanted, update
from testbed.providers.kubernetes.work import Work
from testbed.providers.plugin import failure_status
from testbed.providers.protocol import InitFailedError, ProviderError
from testbed.providers.values import UNKNOWN, Json, Object, Secret, dig, encode

if TYPE_CHECKING:
    from testbed.providers.kubernetes.connection import Connection

RESOURCES: dict[str, list[tuple[str, str, bool]]] = {
    "/api/v1": [
        ("configmaps", "ConfigMap", True),
        ("secrets", "Secret", True),
        ("namespaces", "Namespace", False),
        ("pods", "Pod", True),
        ("events", "Event", True),
    ],
    "/apis/batch/v1": [("jobs", "Job", True)],
}
MANAGER = "pulumi-kubernetes-00000000"


class Server:
    """An API server as far as these tests need one; says no as told."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.refusals: list[ApiError] = []
        self.status: Object = {}
        self.finalizers: Json = None

    def request(self, method: str, path: str, body: Any = None, *, query: Any = None, content: str = "") -> Object:  # noqa: ANN401 - JSON
        """Answer as the API would."""
        del content
        query = query or {}
        if path in RESOURCES:
            entries = [{"name": name, "kind": kind, "namespaced": wide} for name, kind, wide in RESOURCES[path]]
            return {"resources": cast("Json", entries)}
        if path.startswith("/apis/example.com"):
            raise _error(404, "NotFound", "not there")
        self.requests.append((method, path, query))
        if method in {"POST", "PATCH", "DELETE"} and self.refusals:
            raise self.refusals.pop(0)
        answer = getattr(self, f"_{method.lower()}")(path, body)
        if "dryRun" not in query and method in {"POST", "PATCH"}:
            self.objects[answer[0]] = answer[1]
        return cast("Object", answer[1])

    def _get(self, path: str, _body: object) -> tuple[str, Object]:
        if path.rpartition("/")[2] in {"pods", "events"}:
            return path, {"items": []}
        if path not in self.objects:
            raise _error(404, "NotFound", f'"{path}" not found')
        return path, self.objects[path]

    def _post(self, path: str, body: Object) -> tuple[str, Object]:
        path = f"{path}/{dig(body, 'metadata', 'name')}"
        if path in self.objects:
            raise _error(409, "AlreadyExists", "already exists")
        metadata = {**cast("Object", body["metadata"]), "uid": "u", "finalizers": self.finalizers}
        return path, {**body, "metadata": metadata, "status": self.status}

    def _patch(self, path: str, body: Object) -> tuple[str, Object]:
        return path, {**self._get(path, None)[1], **body}

    def _delete(self, path: str, _body: object) -> tuple[str, Object]:
        obj = self._get(path, None)[1]
        if not dig(obj, "metadata", "finalizers"):
            del self.objects[path]
        return path, obj


class Listener:
    """An engine that writes down what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def status(self, _urn: str, _message: str, *, warning: bool = False) -> None:
        """Not worth remembering."""
        del warning

    def warn(self, _urn: str, message: str) -> None:
        """Remember it."""
        self.warnings.append(message)


def _error(code: int, reason: str, message: str, kind: str = "") -> ApiError:
    return ApiError(code, {"reason": reason, "message": message, "details": {"kind": kind}})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def work(server: Server, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(creation, "_PAUSES", (0, 0))
    monkeypatch.setattr(waiting, "_LOOK_EVERY", 0.001)
    urn = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::r"
    cluster = Cluster(cast("Connection", server))
    return Work(urn, cluster, Settings(), cast("Engine", listener), threading.Event())


def _config_map(**data: Json) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "a"}, "data": data}


def _job(**annotations: str) -> Object:
    marked = {f"pulumi.com/{name}": value for name, value in annotations.items()}
    metadata: Object = {"name": "j", "namespace": "a", "annotations": cast("Json", marked)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}}


FAILED: Object = {
    "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "gave up"}]
}


def _state(inputs: Object) -> Object:
    return checkpoint(inputs, inputs, {}, initial_api_version="v1", field_manager=MANAGER)


def test_a_create_is_a_plain_post_under_the_fixed_field_manager(work: Work, server: Server) -> None:
    created = create(work, _config_map(x="1"), 0, preview=False)
    assert created.resource_id == "a/n"
    assert server.requests[0] == (
        "POST",
        "/api/v1/namespaces/a/configmaps",
        {"fieldManager": "pulumi-kubernetes"},
    )
    assert created.state is not None
    assert str(created.state["__fieldManager"]).startswith("pulumi-kubernetes-")


def test_an_existing_object_is_never_adopted(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map()
    with pytest.raises(ProviderError, match=r"already exists\n.*is not adopted"):
        create(work, _config_map(), 0, preview=False)


def test_with_upsert_an_existing_object_is_applied_to(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map()
    upserting = replace(work, settings=Settings(upsert=True))
    create(upserting, _config_map(), 0, preview=False)
    assert [method for method, _, _ in server.requests] == ["PATCH", "GET"]


def test_a_missing_namespace_is_waited_for_for_a_while(work: Work, server: Server) -> None:
    server.refusals = [_error(404, "NotFound", 'namespaces "a" not found', "namespaces")]
    assert create(work, _config_map(), 0, preview=False).resource_id == "a/n"


def test_a_namespace_that_stays_missing_is_an_error(work: Work, server: Server) -> None:
    server.refusals = [_error(404, "NotFound", 'namespaces "a" not found', "namespaces")] * 3
    with pytest.raises(ProviderError, match=r'was not successfully created.*namespaces "a" not found'):
        create(work, _config_map(), 0, preview=False)


def test_a_kind_that_does_not_exist_is_an_error_that_names_it(work: Work) -> None:
    thing: Object = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "n", "namespace": "a"}}
    with pytest.raises(ProviderError, match=r"with kind example\.com/v1, Kind=Thing failed"):
        create(work, thing, 0, preview=False)
    assert create(work, thing, 0, preview=True).state is None


@pytest.mark.parametrize("code", [403, 409, 422, 500])
def test_other_refusals_are_not_tried_again(work: Work, server: Server, code: int) -> None:
    server.refusals = [_error(code, "Refused", "no")]
    with pytest.raises(ProviderError, match=r"no$"):
        create(work, _config_map(), 0, preview=False)


@pytest.mark.parametrize(
    "refusal",
    [
        _error(403, "Forbidden", "violates PodSecurity"),
        _error(409, "AlreadyExists", "already exists"),
        _error(404, "NotFound", "namespaces not found", "namespaces"),
        _error(400, "BadRequest", "admission webhook does not support dry run"),
    ],
    ids=["forbidden", "exists", "no namespace", "webhook"],
)
def test_a_preview_is_green_on_what_up_will_refuse(work: Work, server: Server, refusal: ApiError) -> None:
    server.refusals = [refusal]
    assert create(work, _config_map(), 0, preview=True).state is None


@pytest.mark.parametrize("code", [400, 422])
def test_a_preview_fails_on_what_is_invalid(work: Work, server: Server, code: int) -> None:
    server.refusals = [_error(code, "Invalid", "is invalid")]
    with pytest.raises(ProviderError, match="is invalid"):
        create(work, _config_map(), 0, preview=True)


def test_a_preview_knows_what_the_server_answers_except_the_status(work: Work, server: Server) -> None:
    server.status = {"phase": "Active"}
    created = create(work, _config_map(), 0, preview=True)
    assert created.resource_id == ""
    assert dig(created.state, "metadata", "uid") == "u"
    assert created.state is not None
    assert "status" not in created.state
    assert server.objects == {}


def test_a_preview_with_an_unknown_value_asks_nobody(work: Work, server: Server) -> None:
    assert create(work, _config_map(x=UNKNOWN), 0, preview=True).state is None
    assert server.requests == []


def test_secrets_of_the_inputs_are_secret_in_the_state_and_plain_for_the_server(work: Work, server: Server) -> None:
    marked = _config_map(x=Secret("p"))
    created = create(work, marked, 0, preview=False)
    assert dig(created.state, "data", "x") == Secret("p")
    assert dig(created.state, "__inputs", "data", "x") == Secret("p")
    assert dig(server.objects["/api/v1/namespaces/a/configmaps/n"], "data", "x") == "p"


def test_a_job_that_fails_is_saved_with_the_reasons(work: Work, server: Server) -> None:
    server.status = FAILED
    with pytest.raises(InitFailedError) as caught:
        create(work, _job(), 0, preview=False)
    error = caught.value
    assert error.resource_id == "a/j"
    assert error.reasons[0].endswith("Resource 'j' was created but failed to initialize")
    assert error.reasons[1:] == ["[BackoffLimitExceeded] gave up"]
    assert dig(error.properties, "status") == FAILED


def test_a_failed_job_stays_failed_at_the_next_up(work: Work, server: Server) -> None:
    path = "/apis/batch/v1/namespaces/a/jobs/j"
    server.objects[path] = {**_job(), "status": FAILED}
    with pytest.raises(InitFailedError, match=r'reported that "a/j" failed to fully initialize'):
        update(work, Wanted(_state(_job()), _job(), 0, [], preview=False))


@pytest.mark.parametrize(("timeout", "annotations"), [(0.01, {}), (0, {"timeoutSeconds": "0"})])
def test_a_wait_ends_at_the_time_the_program_allows(work: Work, timeout: float, annotations: dict[str, str]) -> None:
    with pytest.raises(InitFailedError, match="'j' timed out waiting to be Ready"):
        create(work, _job(**annotations), timeout, preview=False)


def test_a_program_can_choose_not_to_wait(work: Work) -> None:
    assert create(work, _job(skipAwait="true"), 0, preview=False).resource_id == "a/j"


def test_a_cancelled_wait_saves_the_object(work: Work) -> None:
    work.cancelled.set()
    with pytest.raises(InitFailedError, match='Resource operation was cancelled for "j"'):
        create(work, _job(), 0, preview=False)


def test_an_update_takes_over_the_fields_of_the_create_and_applies_without_force(work: Work, server: Server) -> None:
    created = _config_map(x="1")
    entry: Json = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}}
    created["metadata"] = {"name": "n", "namespace": "a", "resourceVersion": "1", "managedFields": [entry]}
    server.objects["/api/v1/namespaces/a/configmaps/n"] = created
    cluster, patches = work.cluster, list[list[Json]]()
    cluster.patch = lambda obj, operations: (patches.append(operations), obj)[1]
    state = update(work, Wanted(_state(_config_map(x="1")), _config_map(x="2"), 0, [], preview=False))
    assert len(patches) == 1
    assert ("PATCH", {"fieldManager": MANAGER, "force": "false"}) in [(m, q) for m, _, q in server.requests]
    assert dig(state, "data", "x") == "2"


def test_an_update_that_the_server_refuses_is_saved_with_the_new_inputs(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map(x="1")
    server.refusals = [_error(409, "Conflict", 'Apply failed with 1 conflict: conflict with "other": .data.x')]
    with pytest.raises(InitFailedError) as caught:
        update(work, Wanted(_state(_config_map(x="1")), _config_map(x="2"), 0, [], preview=False))
    assert "server-side apply field conflict detected" in caught.value.reasons[0]
    assert f'field manager "{MANAGER}" had an apply conflict' in caught.value.reasons[0]
    assert dig(caught.value.properties, "__inputs", "data", "x") == "2"
    assert dig(caught.value.properties, "data", "x") == "1"


@pytest.mark.parametrize("preview", [True, False])
def test_an_object_deleted_outside_fails_its_update_in_preview_too(work: Work, *, preview: bool) -> None:
    with pytest.raises(ProviderError, match="unable to get cluster state"):
        update(work, Wanted(_state(_config_map(x="1")), _config_map(x="2"), 0, [], preview=preview))


def test_the_preview_of_an_update_is_silent_when_it_is_forbidden(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map(x="1")
    server.refusals = [_error(403, "Forbidden", "no")]
    assert update(work, Wanted(_state(_config_map()), _config_map(x="2"), 0, [], preview=True)) is None


def test_a_refresh_sees_that_an_object_is_gone(work: Work) -> None:
    assert read(work, "a/n", _state(_config_map()), _config_map()) is None


def test_a_refresh_returns_the_inputs_as_the_cluster_has_them(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map(x="drifted", foreign="1")
    found = read(work, "a/n", _state(_config_map(x="1")), _config_map(x="1"))
    assert found is not None
    assert found.inputs == _config_map(x="drifted")


def test_a_refresh_reports_a_job_that_is_not_done(work: Work, server: Server) -> None:
    server.objects["/apis/batch/v1/namespaces/a/jobs/j"] = {**_job(), "status": FAILED}
    with pytest.raises(InitFailedError) as caught:
        read(work, "a/j", _state(_job()), _job())
    assert list(caught.value.reasons)[1] == "[BackoffLimitExceeded] gave up"
    assert caught.value.inputs is not None
    skipping = _job(skipAwait="true")
    assert read(work, "a/j", _state(skipping), skipping) is not None


def test_an_import_takes_everything_but_what_only_the_server_writes(work: Work, server: Server) -> None:
    live = _config_map(x="1")
    live["metadata"] = {"name": "n", "namespace": "a", "uid": "u", "labels": {"l": "1"}, "resourceVersion": "7"}
    server.objects["/api/v1/namespaces/a/configmaps/n"] = live
    found = read(work, "a/n", {}, {})
    assert found is not None
    assert found.inputs["metadata"] == {"name": "n", "namespace": "a", "labels": {"l": "1"}}
    assert found.inputs["data"] == {"x": "1"}


def test_a_deletion_of_what_is_gone_succeeds(work: Work) -> None:
    delete(work, "a/n", _state(_config_map()), 0)


def test_a_deletion_is_over_when_the_object_is_gone(work: Work, server: Server) -> None:
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map()
    delete(work, "a/n", _state(_config_map()), 0)
    assert server.objects == {}


def test_a_deletion_that_a_finalizer_holds_up_ends_with_a_hint_and_keeps_the_object(
    work: Work, server: Server, listener: Listener
) -> None:
    held = _config_map()
    held["metadata"] = {"name": "n", "namespace": "a", "finalizers": ["example.com/hold"]}
    server.objects["/api/v1/namespaces/a/configmaps/n"] = held
    with pytest.raises(InitFailedError, match="timed out waiting for the condition"):
        delete(work, "a/n", _state(_config_map()), 0.01)
    assert listener.warnings == ["finalizers might be preventing deletion (example.com/hold)"]


def test_deleting_a_patch_gives_up_its_fields_and_leaves_the_object(work: Work, server: Server) -> None:
    patching = replace(work, urn=work.urn.replace("ConfigMap", "ConfigMapPatch"))
    delete(patching, "a/n", _state(_config_map()), 0)
    assert [method for method, _, _ in server.requests] == ["GET"]
    server.objects["/api/v1/namespaces/a/configmaps/n"] = _config_map()
    delete(patching, "a/n", _state(_config_map()), 0)
    assert [method for method, _, _ in server.requests][1:] == ["GET", "PATCH"]
    assert server.objects


def test_a_failed_wait_reaches_the_engine_with_the_object_and_the_reasons() -> None:
    abort = failure_status(InitFailedError("a/n", {"x": 1}, ["why", "because"]))
    status = status_pb2.Status.FromString(abort.trailing_metadata[0][1])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert abort.trailing_metadata[0][0] == "grpc-status-details-bin"
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons), detail.properties) == ("a/n", ["why", "because"], encode({"x": 1}))
