"""The manifests that every `up` applies."""

from typing import Any

import pytest
import yaml

from testbed import versions
from testbed.network_policies.__main__ import SOCKET
from testbed.node.health import ADDONS
from testbed.node.port_forward import TRAEFIK_ADDRESS
from testbed.node.up import ADDONS as DIRECTORY
from testbed.node.up import DEFINITIONS


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    return [one for path in sorted(DIRECTORY.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def test_the_images_are_those_that_the_build_makes(objects: list[dict[str, Any]]) -> None:
    pods = {name: one["spec"]["template"]["spec"] for name, one in of_kind(objects, "Deployment").items()}
    images = {name: [container["image"] for container in pod["containers"]] for name, pod in pods.items()}
    assert images == {
        "coredns": [versions.COREDNS_IMAGE],
        "network-policies": [versions.NETWORK_POLICIES_IMAGE],
        "traefik": [versions.TRAEFIK_IMAGE],
    }


def test_the_images_are_never_fetched_while_they_are_there(objects: list[dict[str, Any]]) -> None:
    for one in of_kind(objects, "Deployment").values():
        for container in one["spec"]["template"]["spec"]["containers"]:
            assert container["imagePullPolicy"] == "IfNotPresent"


def test_every_pod_but_the_packet_filters_fits_the_restricted_pod_security_level(objects: list[dict[str, Any]]) -> None:
    for name, one in of_kind(objects, "Deployment").items():
        if name == "network-policies":
            continue
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_packet_filters_pod_may_change_the_nodes_network_and_nothing_else(objects: list[dict[str, Any]]) -> None:
    pod = of_kind(objects, "Deployment")["network-policies"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert [volume["hostPath"]["path"] for volume in pod["volumes"]] == [str(SOCKET.parent)]
    role = of_kind(objects, "ClusterRole")["embedded:network-policies"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}


def test_traefiks_namespace_enforces_the_restricted_level(objects: list[dict[str, Any]]) -> None:
    labels = of_kind(objects, "Namespace")["traefik"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_port_forwarding_leads_to_traefiks_service(objects: list[dict[str, Any]]) -> None:
    assert of_kind(objects, "Service")["traefik"]["spec"]["clusterIP"] == TRAEFIK_ADDRESS


def test_every_kind_that_traefik_watches_is_defined_and_may_be_watched(objects: list[dict[str, Any]]) -> None:
    """If one is missing, Traefik waits for it and serves no requests."""
    defined = [one["spec"] for path in DEFINITIONS.glob("*.yaml") for one in yaml.safe_load_all(path.read_text())]
    kinds = {one["names"]["plural"] for one in defined if one["group"] == "traefik.io"}
    rules = of_kind(objects, "ClusterRole")["traefik-ingress"]["rules"]
    (watched,) = [set(rule["resources"]) for rule in rules if rule["apiGroups"] == ["traefik.io"]]
    assert kinds == watched
    assert len(kinds) == 10


def test_a_large_upload_has_an_hour(objects: list[dict[str, Any]]) -> None:
    (traefik,) = of_kind(objects, "Deployment")["traefik"]["spec"]["template"]["spec"]["containers"]
    assert "--entrypoints.websecure.transport.respondingtimeouts.readtimeout=3600s" in traefik["args"]


def test_volumes_outlive_their_claims_unless_a_person_removes_them(objects: list[dict[str, Any]]) -> None:
    assert of_kind(objects, "StorageClass")["standard"]["reclaimPolicy"] == "Retain"


def test_names_below_localhost_lead_to_traefik_and_only_as_whole_names(objects: list[dict[str, Any]]) -> None:
    """Unanchored, the rewrite would catch names to which a search domain has been added."""
    corefile = of_kind(objects, "ConfigMap")["coredns"]["data"]["Corefile"]
    assert r"rewrite name regex ^(.*)\.localhost\.$ traefik.traefik.svc.cluster.local answer auto" in corefile


def test_what_the_health_check_looks_for_is_what_is_applied(objects: list[dict[str, Any]]) -> None:
    deployments = of_kind(objects, "Deployment").values()
    assert {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in deployments} == set(ADDONS)
