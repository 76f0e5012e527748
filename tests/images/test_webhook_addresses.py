"""Webhooks are sent to the hosts that the stack file names, and nowhere else."""

import pytest
from mlflow_platform_server.webhook_addresses import refusal

HOSTS = ("hooks.example.com", "ci.example.com")


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.com", "https://hooks.example.com/a?b=c", "https://ci.example.com:443/x"],
)
def test_a_listed_host_may_be_called(url: str) -> None:
    assert refusal(url, HOSTS) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.com/", "by https to port 443"),
        ("https://hooks.example.com:8443/", "by https to port 443"),
        ("https://hooks.example.com:0/", "by https to port 443"),
        ("ftp://hooks.example.com/", "by https to port 443"),
        ("https://other.example.com/", "does not send webhooks to that host"),
        ("https://hooks.example.com.evil.example/", "does not send webhooks to that host"),
        ("https://hooks.example.com./", "does not send webhooks to that host"),
        ("https://93.184.216.34/", "does not send webhooks to that host"),
        ("https://[::1]/", "does not send webhooks to that host"),
        ("https://evil.example\\@hooks.example.com/", "must not contain a user"),
        ("https://evil.example\\.hooks.example.com/", "does not send webhooks to that host"),
        ("https://hooks.example.com@evil.example/", "must not contain a user"),
        ("https://@hooks.example.com/", "must not contain a user"),
        ("https://hooks.exam\nple.com/", "does not send webhooks to that host"),
        (" https://hooks.example.com/", "by https to port 443|does not send webhooks to that host"),
        ("https:///x", "does not send webhooks to that host"),
        ("https://hooks.example.com:x/", "malformed"),
        ("https://[", "malformed"),
        ("", "by https to port 443"),
    ],
)
def test_anything_else_is_refused(url: str, reason: str) -> None:
    found = refusal(url, HOSTS)
    assert found is not None
    assert any(part in found for part in reason.split("|")), found


def test_without_hosts_nothing_is_called() -> None:
    assert "Allowed hosts: none" in (refusal("https://hooks.example.com/", ()) or "")
