"""Makes browser sessions in the platform's store older, because waiting would take minutes."""

import base64
import secrets
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from testbed.e2e.kube import kubectl

STORE = "deployment/session-store"
NONCE_BYTES = 12
# In MessagePack: the session's first key, `ca` (created at), and a time, whose lower 34 bits are seconds.
CREATED = b"\xa2ca\xd7\xff"
TIME = struct.Struct(">Q")
SECONDS_BITS = 34
# The password is in a file of the pod, and stays there.
CLIENT = """
REDISCLI_AUTH=$(sed -n 's/^user .* >\\([^ ]*\\) .*/\\1/p' /etc/session-store/valkey.conf)
export REDISCLI_AUTH
exec valkey-cli -e eval "$@"
"""
READ = "return (redis.call('get', KEYS[1]):gsub('.', function(c) return string.format('%02x', c:byte()) end))"
WRITE = """
local value = ARGV[1]:gsub('..', function(hex) return string.char(tonumber(hex, 16)) end)
return redis.call('set', KEYS[1], value, 'XX', 'KEEPTTL')
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """Content of a browser's cookie about its session."""

    name: str
    """Name of the session in the store."""

    key: bytes = field(repr=False)
    """Key with which the session is encrypted; the store does not have it."""

    @classmethod
    def of(cls, cookie: str) -> "Ticket":
        """The ticket in a cookie's value: `v2`, name and key, signed."""
        _, name, key = _decode(cookie.partition("|")[0]).decode().split(".")
        return cls(name=_decode(name).decode(), key=_decode(key))


def make_older(cookie: str, *, namespace: str, seconds: int) -> None:
    """Set a session's start or last refresh `seconds` earlier; `cookie` is the value of the session's cookie."""
    ticket = Ticket.of(cookie)
    session = bytes.fromhex(_ask(namespace, READ, "1", ticket.name))
    answer = _ask(namespace, WRITE, "1", ticket.name, aged(session, key=ticket.key, seconds=seconds).hex())
    assert answer == "OK", f"the session is no longer in the store: {answer}"


def aged(session: bytes, *, key: bytes, seconds: int) -> bytes:
    """Return the encrypted session with its time moved back by `seconds`."""
    cipher = AESGCM(key)
    before, mark, after = cipher.decrypt(session[:NONCE_BYTES], session[NONCE_BYTES:], None).partition(CREATED)
    assert mark, "the session says nowhere when it began: another version of OAuth2-Proxy?"
    (time,) = TIME.unpack(after[: TIME.size])
    assert time % (1 << SECONDS_BITS) > seconds
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, before + mark + TIME.pack(time - seconds) + after[TIME.size :], None)


def _ask(namespace: str, *words: str) -> str:
    return kubectl(
        "exec", STORE, f"--namespace={namespace}", "--", "sh", "-euc", CLIENT, "valkey-cli", *words
    ).stdout.strip()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
