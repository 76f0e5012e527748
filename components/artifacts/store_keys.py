"""Access keys of the store in the cluster, and what each allows: SeaweedFS's identities."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.artifacts.artifact_store import workspace_folder
from components.kubernetes.credential import keepers

core = k8s.core.v1

ACTIONS = ("Read", "Write", "List", "Tagging")
READ_ACTIONS = ("Read", "List")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessKey:
    """An access key of the platform's own pods."""

    pair: pulumi.Output[tuple[str, str]]
    """Access key id and secret access key."""

    secret: core.Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """All access keys that the store accepts."""

    client: pulumi.Output[tuple[str, str]]
    administrator: pulumi.Output[tuple[str, str]]
    teams: Mapping[str, pulumi.Output[tuple[str, str]]] = field(
        default_factory=dict[str, pulumi.Output[tuple[str, str]]]
    )
    backups: pulumi.Output[tuple[str, str]] | None = None
    reader: pulumi.Output[tuple[str, str]] | None = None


def key_pair(name: str, rotation: int, opts: pulumi.ResourceOptions) -> pulumi.Output[tuple[str, str]]:
    """A generated access key: its id and secret; a new `rotation` replaces both."""
    kept = keepers(rotation)
    key_id = random.RandomString(f"{name}-key-id", length=20, special=False, lower=False, keepers=kept, opts=opts)
    key = random.RandomPassword(f"{name}-key", length=40, special=False, keepers=kept, opts=opts)
    return pulumi.Output.all(key_id.result, key.result).apply(lambda values: (values[0], values[1]))


def access_key(name: str, namespace: pulumi.Input[str], rotation: int, opts: pulumi.ResourceOptions) -> AccessKey:
    """A new access key, in a Secret of the platform's namespace."""
    pair = key_pair(name, rotation, opts)
    secret = core.Secret(
        f"{name}-credential",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        string_data={"access-key-id": pair[0], "secret-access-key": pair[1]},
        opts=opts,
    )
    return AccessKey(pair=pair, secret=secret)


def identities(
    bucket: str,
    backup_bucket: str = "",
    *,
    prefix: str | None = None,
    client: tuple[str, str],
    administrator: tuple[str, str],
    teams: Mapping[str, tuple[str, str]] | None = None,
    backups: tuple[str, str] | None = None,
    reader: tuple[str, str] | None = None,
) -> dict[str, list[dict[str, object]]]:
    """Content of SeaweedFS's identity file: a client that can access only `bucket`, an administrator, and teams.

    With a `prefix` the client can access only that folder of the bucket. A Job uses the administrator's access key to
    create the bucket. A team can access only the files of its workspace, and the key of the database's backups only
    `backup_bucket`. `reader`, the key of the proofs, can read what `client` can read.

    `client`, `administrator`, `backups`, `reader` and the values of `teams` are pairs of access key id and secret
    access key.
    """

    def identity(name: str, key: tuple[str, str], actions: list[str]) -> dict[str, object]:
        return {"name": name, "credentials": [{"accessKey": key[0], "secretKey": key[1]}], "actions": actions}

    place = bucket if prefix is None else f"{bucket}/{prefix}/*"
    return {
        "identities": [
            identity("mlflow", client, [f"{action}:{place}" for action in ACTIONS]),
            identity("administrator", administrator, ["Admin"]),
            *(
                identity(
                    f"team {team}", key, [f"{action}:{bucket}/{workspace_folder(team, prefix)}*" for action in ACTIONS]
                )
                for team, key in (teams or {}).items()
            ),
            *(
                identity("backups", key, [f"{action}:{backup_bucket}" for action in ACTIONS])
                for key in (() if backups is None else (backups,))
            ),
            *(
                identity("reader", key, [f"{action}:{place}" for action in READ_ACTIONS])
                for key in (() if reader is None else (reader,))
            ),
        ]
    }
