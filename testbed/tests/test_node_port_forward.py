"""The ports of the port forwarding, and the program that uses one."""

import os
import socket

import pytest

from testbed.errors import EmbeddedError
from testbed.node.port_forward import ROUTES, holder, listen, listening_inode

# Port 443 is 01BB; state 0A listens, state 01 is a connection.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:01BB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1111 1 0
   1: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2222 1 0
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3333 1 0
"""


def test_the_ports_lead_to_the_platform_and_to_the_api_server() -> None:
    assert ROUTES == {443: "10.96.0.80:443", 16443: "10.89.0.2:6443"}


def test_a_listening_socket_is_found_and_a_mere_connection_is_not() -> None:
    assert listening_inode(TABLE, 443) == "2222"


def test_a_port_nobody_listens_on_has_no_socket() -> None:
    assert listening_inode(TABLE, 444) is None


def test_a_port_in_use_is_refused_with_the_name_of_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError) as refusal:
            listen(port)
    assert f"cannot listen on 127.0.0.1:{port}" in str(refusal.value)
    assert f"used by pid {os.getpid()}: " in str(refusal.value)


def test_a_free_port_is_listened_on_at_the_loopback_address_only() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_program_that_cannot_be_found_is_called_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert holder(port) == "an unknown program"
