"""The program around the pure function: rules that do not load, and pods that are about to start."""

import socket
import subprocess
import threading
from pathlib import Path
from typing import cast

import pytest

from testbed.network_policies.__main__ import Enforcer
from testbed.network_policies.announcements import Announcements, serve
from testbed.network_policies.objects import Object
from testbed.network_policies.watching import Copy

ADDRESS = "10.244.0.7"
PLUGIN = Path(__file__).parents[2] / "testbed/node/files/usr/lib/cni/announced-bridge"


def cluster(*, address: str | None = None) -> Copy:
    """A copy of a cluster with one pod."""
    copy = Copy()
    status = {"phase": "Pending", **({"podIP": address} if address else {})}
    metadata = {"namespace": "shop", "name": "web", "uid": "1"}
    copy.replace("Namespace", [cast("Object", {"metadata": {"name": "shop", "uid": "2"}, "spec": {}, "status": {}})])
    copy.replace("NetworkPolicy", [])
    copy.replace("Pod", [cast("Object", {"metadata": metadata, "spec": {"containers": []}, "status": status})])
    return copy


class Filter:
    """A packet filter that may refuse what it is given."""

    def __init__(self, *, works: bool = True) -> None:
        self.works = works
        self.texts: list[str] = []

    def load(self, text: str) -> bool:
        """Take a ruleset, or not."""
        if self.works:
            self.texts.append(text)
        return self.works


def enforcer(copy: Copy, packets: Filter) -> Enforcer:
    return Enforcer(copy, Announcements(copy.changed), packets.load)


def test_nothing_is_loaded_before_everything_is_known() -> None:
    """Rules from half of the policies would open what the others close."""
    copy, packets = Copy(), Filter()
    copy.replace("Pod", [])
    assert enforcer(copy, packets).step(renew=True)
    assert packets.texts == []


def test_the_same_rules_are_loaded_again_only_to_renew_them() -> None:
    packets = Filter()
    one = enforcer(cluster(address=ADDRESS), packets)
    for renew in (False, False, True):
        assert one.step(renew=renew)
    assert len(packets.texts) == 2


def test_rules_that_do_not_load_are_tried_again_and_nobody_is_told_that_they_are_in_force() -> None:
    copy, packets = cluster(address=ADDRESS), Filter(works=False)
    one = enforcer(copy, packets)
    assert not one.step(renew=False)
    first = threading.Thread(target=one.announcements.wait_for_first_rules, daemon=True)
    first.start()
    first.join(0.05)
    assert first.is_alive()
    packets.works = True
    assert one.step(renew=False)
    first.join(5)
    assert not first.is_alive()
    assert ADDRESS in packets.texts[-1]


def test_an_event_changes_the_copy() -> None:
    copy, packets = cluster(address=ADDRESS), Filter()
    one = enforcer(copy, packets)
    (pod,) = (found for found in copy.objects() if found["kind"] == "Pod")
    copy.apply("Pod", "DELETED", pod)
    one.step(renew=False)
    assert ADDRESS not in packets.texts[-1]


def test_the_plugin_is_answered_once_the_pods_rules_are_loaded(tmp_path: Path) -> None:
    copy, packets = cluster(), Filter()
    one = enforcer(copy, packets)
    one.step(renew=False)
    threading.Thread(target=serve, args=(tmp_path / "socket", one.announcements), daemon=True).start()
    copy.changed.clear()
    with socket.socket(socket.AF_UNIX) as plugin:
        plugin.settimeout(5)
        while plugin.connect_ex(str(tmp_path / "socket")):
            pass
        plugin.sendall(f"shop web {ADDRESS}\n".encode())
        assert copy.changed.wait(5), "the announcement is a change"
        assert one.step(renew=False)
        assert plugin.makefile().readline() == "loaded\n"
    assert ADDRESS in packets.texts[-1]


def test_an_announcement_ends_when_the_api_server_knows_the_address() -> None:
    copy = cluster(address=ADDRESS)
    one = enforcer(copy, Filter())
    one.announcements.loaded([])
    threading.Thread(target=one.announcements.announce, args=("shop", "web", ADDRESS), daemon=True).start()
    copy.changed.wait(5)
    one.step(renew=False)
    assert one.announcements.current() == {}


@pytest.mark.parametrize(("code", "said"), [(0, '{"ips": [{"address": "10.244.0.7/24"}]}'), (7, '{"msg": "no"}')])
def test_the_plugin_says_what_the_bridge_says(tmp_path: Path, code: int, said: str) -> None:
    """Without anybody to announce to, too: the pod is then refused everything, as any that nothing is known of."""
    plugin = tmp_path / PLUGIN.name
    plugin.write_text(PLUGIN.read_text())
    (tmp_path / "bridge").write_text(f"#!/bin/sh\ncat >'{tmp_path}/given'\necho '{said}'\nexit {code}\n")
    for program in (plugin, tmp_path / "bridge"):
        program.chmod(0o755)
    arguments = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web"
    done = subprocess.run(
        [plugin],
        env={"CNI_COMMAND": "ADD", "CNI_ARGS": arguments, "PATH": "/usr/bin:/bin"},
        input="the configuration",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, f"{said}\n")
    assert (tmp_path / "given").read_text() == "the configuration"
