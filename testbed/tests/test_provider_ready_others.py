from __future__ import annotations

from typing import Any

import pytest

from testbed.providers.kubernetes.ready import rule_for, rule_for_read
from testbed.providers.kubernetes.ready.network import PATIENCE, SETTLING
from testbed.providers.kubernetes.ready.rule import ENDPOINTS, SERVICES, STORAGE_CLASSES, Rule, Sight
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Object


def _object(kind: str, spec: Any, status: Any = None, **more: Any) -> Object:  # noqa: ANN401 - JSON samples
    version, _, name = kind.rpartition("/")
    metadata: Object = {"name": "web", "namespace": "a"}
    return {"apiVersion": version, "kind": name, "metadata": metadata, "spec": spec, "status": status or {}, **more}


def _endpoints(version: str, **subset: Any) -> Object:  # noqa: ANN401 - JSON samples
    metadata: Object = {"name": "web", "namespace": "a", "resourceVersion": version}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset] if subset else []}


def _rule(obj: Object, previous: Object | None = None) -> Rule:
    rule = rule_for(obj, previous)
    assert rule is not None
    return rule


SERVICE = _object("v1/Service", {"selector": {"a": "b"}, "clusterIP": "10.0.0.1"})
ADDRESS = {"addresses": [{"ip": "10.0.0.2"}]}
UNREADY = {"notReadyAddresses": [{"ip": "10.0.0.2"}]}


def test_a_service_is_ready_ten_seconds_after_the_last_change_of_its_endpoints() -> None:
    rule = _rule(SERVICE)
    assert not rule.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("1", **ADDRESS)]}), 100)
    assert not rule.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("1", **ADDRESS)]}), 100 + SETTLING - 1)
    assert not rule.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("2", **ADDRESS)]}), 100 + SETTLING)
    assert rule.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("2", **ADDRESS)]}), 100 + 2 * SETTLING)


def test_a_service_without_any_pod_is_fine_and_one_with_an_unready_pod_waits() -> None:
    empty, unready = _rule(SERVICE), _rule(SERVICE)
    for now in (0, SETTLING):
        none_ready = empty.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("1")]}), now)
        waits = unready.ready(Sight(SERVICE, {ENDPOINTS: [_endpoints("1", **UNREADY)]}), now)
    assert none_ready
    assert not waits
    assert "Service does not target any Pods" in unready.reasons()[0]


@pytest.mark.parametrize(
    "spec",
    [{"selector": {"a": "b"}, "clusterIP": "None"}, {"type": "ExternalName"}, {"clusterIP": "10.0.0.1"}],
    ids=["headless", "external name", "no selector"],
)
def test_a_service_without_pods_of_its_own_to_wait_for_is_ready_at_once(spec: Any) -> None:  # noqa: ANN401 - JSON sample
    service = _object("v1/Service", spec)
    assert _rule(service).ready(Sight(service), 0)


def test_a_load_balancer_needs_an_address() -> None:
    spec = {"type": "LoadBalancer"}
    waiting = _object("v1/Service", spec)
    rule = _rule(waiting)
    assert not rule.ready(Sight(waiting), 0)
    assert "does your cloud provider support this" in rule.reasons()[-1]
    ready = _object("v1/Service", spec, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    assert _rule(ready).ready(Sight(ready), 0)


def test_a_refresh_judges_a_service_without_waiting_for_it_to_settle() -> None:
    rule = rule_for_read(SERVICE)
    assert rule is not None
    assert rule.ready_on_read(Sight(SERVICE, {ENDPOINTS: [_endpoints("1", **ADDRESS)]}))
    assert not rule.ready_on_read(Sight(SERVICE, {ENDPOINTS: [_endpoints("2", **UNREADY)]}))


def _ingress(*, published: bool) -> Object:
    path = {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
    status = {"loadBalancer": {"ingress": [{"hostname": "x"}]}} if published else {}
    return _object("networking.k8s.io/v1/Ingress", {"rules": [{"http": {"paths": [path]}}]}, status)


def test_an_ingress_is_ready_when_it_is_published_and_leads_to_endpoints() -> None:
    ingress = _ingress(published=True)
    assert _rule(ingress).ready(Sight(ingress, {ENDPOINTS: [_endpoints("1")]}), 0)


def test_an_ingress_that_no_controller_publishes_is_never_ready() -> None:
    ingress = _ingress(published=False)
    rule = _rule(ingress)
    assert not rule.ready(Sight(ingress, {ENDPOINTS: [_endpoints("1")]}), 0)
    assert not rule.ready(Sight(ingress, {ENDPOINTS: [_endpoints("1")]}), 10_000)
    assert "was not updated with a hostname/IP address" in rule.reasons()[0]


def test_an_ingress_stops_waiting_for_endpoints_that_never_come() -> None:
    ingress = _ingress(published=True)
    rule = _rule(ingress)
    assert not rule.ready(Sight(ingress), 0)
    assert rule.reasons() == ["Ingress has at least one rule with an unavailable target endpoint."]
    assert not rule.ready(Sight(ingress), PATIENCE - 1)
    assert rule.ready(Sight(ingress), PATIENCE)


def test_an_ingress_does_not_wait_for_endpoints_of_an_external_name() -> None:
    ingress = _ingress(published=True)
    external = _object("v1/Service", {"type": "ExternalName"})
    assert _rule(ingress).ready(Sight(ingress, {SERVICES: [external]}), 0)


def _claim(phase: str, storage_class: str = "standard") -> Object:
    return _object("v1/PersistentVolumeClaim", {"storageClassName": storage_class}, {"phase": phase})


LATE: Object = {"metadata": {"name": "standard"}, "volumeBindingMode": "WaitForFirstConsumer"}
SOON: Object = {"metadata": {"name": "standard"}, "volumeBindingMode": "Immediate"}


@pytest.mark.parametrize(
    ("storage_class", "phase", "ready"),
    [(LATE, "Pending", True), (LATE, "Bound", False), (SOON, "Pending", False), (SOON, "Bound", True)],
)
def test_a_new_claim_is_ready_when_it_is_bound_or_exactly_pending_for_a_pod(
    storage_class: Object, phase: str, *, ready: bool
) -> None:
    claim = _claim(phase)
    assert _rule(claim).ready(Sight(claim, {STORAGE_CLASSES: [storage_class]}), 0) is ready


def test_a_changed_claim_is_ready_when_it_is_bound_too() -> None:
    claim = _claim("Bound")
    assert _rule(claim, claim).ready(Sight(claim, {STORAGE_CLASSES: [LATE]}), 0)


def test_a_claim_without_class_waits_to_be_bound() -> None:
    claim = _claim("Pending", "")
    assert not _rule(claim).ready(Sight(claim, {STORAGE_CLASSES: [LATE]}), 0)


def test_the_time_for_a_claim_cannot_be_changed() -> None:
    rule = _rule(_claim("Pending"))
    assert rule.timeout_is_fixed
    assert rule.timeout == 300


def test_a_quota_is_ready_when_the_controller_has_taken_it_over() -> None:
    hard = {"pods": "10"}
    waiting = _object("v1/ResourceQuota", {"hard": hard})
    assert not _rule(waiting).ready(Sight(waiting), 0)
    ready = _object("v1/ResourceQuota", {"hard": hard}, {"hard": hard})
    assert _rule(ready).ready(Sight(ready), 0)


def test_only_a_token_secret_is_waited_for() -> None:
    opaque = _object("v1/Secret", {}, type="Opaque")
    assert rule_for(opaque, None) is None
    token = _object("v1/Secret", {}, type="kubernetes.io/service-account-token")
    assert not _rule(token).ready(Sight(token), 0)
    filled: Object = {**token, "data": {"token": "eA=="}}
    assert _rule(filled).ready(Sight(filled), 0)


@pytest.mark.parametrize("kind", ["v1/ConfigMap", "v1/Namespace", "batch/v1/CronJob", "example.com/v1/Thing"])
def test_most_kinds_are_ready_at_once(kind: str) -> None:
    assert rule_for(_object(kind, {}), None) is None
    assert rule_for_read(_object(kind, {})) is None


def _annotated(expressions: str, **status: Any) -> Object:  # noqa: ANN401 - JSON samples
    obj = _object("v1/ConfigMap", {}, status)
    obj["metadata"] = {"name": "web", "annotations": {"pulumi.com/waitFor": expressions}}
    return obj


@pytest.mark.parametrize(
    ("expression", "ready"),
    [
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}=Pending", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.missing}", False),
        ("jsonpath={.status.list[1].up}=true", True),
        ("jsonpath={.status.list[*].up}=true", True),
        ("jsonpath={.status['phase']}=Running", True),
        ("condition=Ready", True),
        ("condition=Synced", False),
        ("condition=Synced=False", True),
        ('["condition=Ready", "jsonpath={.status.phase}=Running"]', True),
        ('["condition=Ready", "condition=Synced"]', False),
    ],
)
def test_an_object_can_say_itself_what_to_wait_for(expression: str, *, ready: bool) -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]
    obj = _annotated(expression, phase="Running", list=[{"up": False}, {"up": True}], conditions=conditions)
    assert _rule(obj).ready(Sight(obj), 0) is ready


@pytest.mark.parametrize("expression", ["ready", "jsonpath={.items[?(@.a=='b')]}"])
def test_an_expression_that_cannot_be_read_is_an_error_at_once(expression: str) -> None:
    with pytest.raises(ProviderError):
        rule_for(_annotated(expression), None)
