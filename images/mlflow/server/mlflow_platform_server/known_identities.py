"""Groups, users and service accounts to which the stack file gives access; nobody else matches a RoleBinding.

An identity provider may assert any group. One such as `kubeadm:cluster-admins` is bound to a role that opens every
workspace, so only groups that the stack file names count. The same holds for names of people and programs: a
RoleBinding made for other purposes of the cluster gives no access to MLflow.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

SERVICE_ACCOUNT = "system:serviceaccount:"
# User name in access reviews about somebody whom the stack file does not name. No RoleBinding can have it as its
# subject: its middle part is random, and another one in each process.
UNLISTED = f"mlflow-platform:unlisted:{secrets.token_hex(16)}:"
_KINDS = ("groups", "users", "namespaces")


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIdentities:
    """Names that count for access."""

    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    """Names of people with RoleBindings of their own; empty unless the login kind is `basic`."""

    namespaces: frozenset[str] = frozenset()
    """Namespaces whose service accounts count."""

    everybody: bool = False
    """True if everybody counts, because Kubernetes' own roles give access (`access.aggregateRoles`)."""

    def counting(self, groups: Iterable[str]) -> tuple[str, ...]:
        """The groups in `groups` that count for access."""
        return tuple(group for group in groups if self.everybody or group in self.groups)

    def reviewed(self, user: str) -> str:
        """The name of `user` in access reviews: unchanged if the user counts, else a name that no RoleBinding has."""
        if self.everybody or user in self.users:
            return user
        namespace, _, name = user.removeprefix(SERVICE_ACCOUNT).partition(":")
        if user.startswith(SERVICE_ACCOUNT) and name and namespace in self.namespaces:
            return user
        return UNLISTED + user


NOBODY = KnownIdentities()
_known: KnownIdentities | None = None


def known() -> KnownIdentities:
    """The identities that count now; nobody before the first `replace`."""
    return _known or NOBODY


def are_known() -> bool:
    """True after the first `replace`; before that, nothing is known about anybody."""
    return _known is not None


def replace(identities: KnownIdentities | None) -> None:
    """Replace the identities that count in this process; None means that they are not known yet."""
    global _known  # noqa: PLW0603 - the same for all requests; the stack file decides, not a request
    _known = identities


def reviewed_user(user: str) -> str:
    """The user name with which Kubernetes is asked about a user's rights."""
    return known().reviewed(user)


def combined(documents: Mapping[str, str]) -> tuple[KnownIdentities, dict[str, str]]:
    """The identities of all teams together, and, by name of document, the reason why it was left out.

    Each document is the JSON that `components/team/identities.py` writes. A malformed document is ignored; the
    identities in all others count.
    """
    names: dict[str, set[str]] = {kind: set() for kind in _KINDS}
    everybody = False
    faults = dict[str, str]()
    for name, document in documents.items():
        try:
            content = _read(document)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            faults[name] = f"{type(error).__name__}: {error}"
            continue
        for kind in _KINDS:
            names[kind].update(content[kind])
        everybody = everybody or content["everybody"]
    found = KnownIdentities(
        groups=frozenset(names["groups"]),
        users=frozenset(names["users"]),
        namespaces=frozenset(names["namespaces"]),
        everybody=everybody,
    )
    return found, faults


def _read(document: str) -> dict[str, Any]:
    content = json.loads(document)
    for kind in _KINDS:
        names = content[kind]
        # A text would be read as a list of its letters.
        if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[object]", names)):
            message = f"{kind} is not a list of strings"
            raise TypeError(message)
    if not isinstance(content["everybody"], bool):
        message = "the value of everybody is neither true nor false"
        raise TypeError(message)
    return content
