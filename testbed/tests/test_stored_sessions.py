"""Sessions that the rehearsal of Keycloak makes older."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from testbed.e2e.stored_sessions import CREATED, NONCE_BYTES, TIME, Ticket, aged

KEY = bytes(16)
NONCE = bytes(NONCE_BYTES)
# 999 999 999 ns, in the upper 30 bits, and a time in November 2026.
NANOSECONDS, BEGUN = 999_999_999 << 34, 1_795_900_000
OTHERS = b"\xa2eo\xd7\xffexpiry.."


def encrypted(session: bytes) -> bytes:
    return NONCE + AESGCM(KEY).encrypt(NONCE, session, None)


def decrypted(session: bytes) -> bytes:
    return AESGCM(KEY).decrypt(session[:NONCE_BYTES], session[NONCE_BYTES:], None)


def test_only_the_beginning_of_a_session_changes() -> None:
    session = encrypted(b"\x82" + CREATED + TIME.pack(NANOSECONDS | BEGUN) + OTHERS)
    older = b"\x82" + CREATED + TIME.pack(NANOSECONDS | (BEGUN - 3600)) + OTHERS
    assert decrypted(aged(session, key=KEY, seconds=3600)) == older


def test_a_session_of_another_form_is_refused() -> None:
    with pytest.raises(AssertionError, match="another version of OAuth2-Proxy"):
        aged(encrypted(b"\x81" + OTHERS), key=KEY, seconds=3600)


def test_a_cookie_has_the_name_of_the_session_and_its_key() -> None:
    name = base64.urlsafe_b64encode(b"__Host-mlflow-0123456789").rstrip(b"=").decode()
    key = base64.urlsafe_b64encode(KEY).rstrip(b"=").decode()
    cookie = base64.urlsafe_b64encode(f"v2.{name}.{key}".encode()).decode()
    assert Ticket.of(f"{cookie}|1795900000|signature") == Ticket(name="__Host-mlflow-0123456789", key=KEY)
