"""Groups, users and service accounts to which the stack file gives access; nobody else matches a RoleBinding.

An identity provider may assert any group. One such as `kubeadm:cluster-admins` is bound to a role that opens every
workspace, so only groups that the stack file names count. The same holds for names of people and programs: a
RoleBinding that was made for someone in another part of the cluster gives them nothing here.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SERVICE_ACCOUNT = "system:serviceaccount:"
# User name in access reviews about somebody whom the stack file does not name. No RoleBinding can have it as its
# subject: its middle part is random, and another one in each process.
UNLISTED = f"mlflow-platform:unlisted:{secrets.token_hex(16)}:"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIdentities:
    """Names that count for access."""

    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    """Names of people with RoleBindings of their own, which only the basic login has."""

    namespaces: frozenset[str] = frozenset()
    """Namespaces whose service accounts count."""

    everybody: bool = False
    """True if everybody counts, because Kubernetes' own roles give access (`access.aggregateRoles`)."""

    def counting(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Those of `groups` that count."""
        return tuple(group for group in groups if self.everybody or group in self.groups)

    def reviewed(self, user: str) -> str:
        """The name of a user for access reviews."""
        if self.everybody or user in self.users:
            return user
        namespace, _, name = user.removeprefix(SERVICE_ACCOUNT).partition(":")
        if user.startswith(SERVICE_ACCOUNT) and name and namespace in self.namespaces:
            return user
        return UNLISTED + user


NOBODY = KnownIdentities()
_known = NOBODY


def known() -> KnownIdentities:
    """The identities that count now; nobody before the first `replace`."""
    return _known


def replace(identities: KnownIdentities) -> None:
    """Let these identities count from now on, in this process."""
    global _known  # noqa: PLW0603 - the same for all requests; the stack file decides, not a request
    _known = identities


def reviewed_user(user: str) -> str:
    """The user name with which Kubernetes is asked about a user's rights."""
    return _known.reviewed(user)


def combined(documents: Sequence[str]) -> KnownIdentities:
    """The identities of all teams; each document is the JSON that `components/team/identities.py` writes.

    Raises:
        ValueError: a document is not as expected.
    """
    found: dict[str, set[str]] = {"groups": set(), "users": set(), "namespaces": set()}
    everybody = False
    for document in documents:
        try:
            content = json.loads(document)
            for kind, names in found.items():
                names.update(str(name) for name in content[kind])
            everybody = everybody or content["everybody"] is True
        except (KeyError, TypeError) as error:
            message = f"A list of identities cannot be read: {error!r}"
            raise ValueError(message) from error
    return KnownIdentities(
        groups=frozenset(found["groups"]),
        users=frozenset(found["users"]),
        namespaces=frozenset(found["namespaces"]),
        everybody=everybody,
    )
