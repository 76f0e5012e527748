"""Credentials, wherever they come from: a Secret in the platform's namespace and the keys in it.

Values from the stack file and values that the program makes are put into a Secret of its own. An existing Secret is
used as it is. External Secrets fills one from a secret manager: the program makes its `ExternalSecret` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import pods

core = k8s.core.v1

# How soon a changed secret is in the cluster; External Secrets' own default.
REFRESH_INTERVAL = "1h"
# 36 letters and digits are 214 bits.
LENGTH = 36


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Values that somebody has: the stack file, or another resource."""

    values: Mapping[str, pulumi.Output[str]]
    """By the credential's entry, for example `password`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """One password, made by the program."""

    entry: str = "password"
    rotation: int = 1
    """Another number makes another password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Existing:
    """A Secret that exists in the namespace."""

    name: str
    keys: Mapping[str, str]
    """The Secret's key of each entry."""

    rotation: int = 1
    """Another number rolls the pods: nobody tells the program that a Secret of others has changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """A Secret that External Secrets fills."""

    store: str
    store_kind: str
    """`ClusterSecretStore` or `SecretStore`."""

    key: str
    """Name of the secret in the store."""

    properties: Mapping[str, str | None]
    """Where in that secret each entry is; None means that the whole of it is the entry."""

    rotation: int = 1
    """As in `Existing`."""


Source = Given | Generated | Existing | Synced


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """Where containers find a credential."""

    secret: pulumi.Input[str]
    """Name of the Secret."""

    keys: Mapping[str, str]
    """The Secret's key of each entry."""

    rotation: int | None
    """A number to be shown to the pods; None where a change gives the Secret another name, which rolls them too."""

    ready: tuple[pulumi.Resource, ...]

    def env(self, variables: Mapping[str, str]) -> tuple[core.EnvVarArgs, ...]:
        """Variables with the entries that they are to hold."""
        found = tuple(pods.secret_env(name, self.secret, self.keys[entry]) for name, entry in variables.items())
        return (*found, *self.rotated(next(iter(variables))))

    def rotated(self, variable: str) -> tuple[core.EnvVarArgs, ...]:
        """A variable that rolls the pods after a Secret of others has changed."""
        if self.rotation is None:
            return ()
        return (core.EnvVarArgs(name=f"{variable}_ROTATION", value=str(self.rotation)),)

    def file(self, entry: str, path: str) -> core.VolumeProjectionArgs:
        """An entry as a file of a projected volume."""
        return core.VolumeProjectionArgs(
            secret=core.SecretProjectionArgs(
                name=self.secret, items=[core.KeyToPathArgs(key=self.keys[entry], path=path)]
            )
        )


def credential(name: str, source: Source, *, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Credential:
    """Make what a source needs; its resources are called after `name`, which ends with what it is a credential of."""
    match source:
        case Existing():
            return Credential(secret=source.name, keys=source.keys, rotation=source.rotation, ready=())
        case Synced():
            return _synced(name, source, namespace, opts)
        case Generated():
            password = random.RandomPassword(
                f"{name}-password", length=LENGTH, special=False, keepers={"rotation": str(source.rotation)}, opts=opts
            )
            return _kept(name, {source.entry: password.result}, namespace, opts)
        case Given():
            return _kept(name, source.values, namespace, opts)


def _kept(
    name: str, values: Mapping[str, pulumi.Output[str]], namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Credential:
    secret = core.Secret(
        f"{name}-credential",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        string_data=dict(values),
        opts=opts,
    )
    return Credential(
        secret=secret.metadata.name, keys={entry: entry for entry in values}, rotation=None, ready=(secret,)
    )


def _synced(name: str, source: Synced, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Credential:
    # Explicit: External Secrets calls the Secret after it.
    secret = f"{name}-credential"
    made = k8s.apiextensions.CustomResource(
        secret,
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=namespace,
            name=secret,
            # Its message says what is wrong with the store; a pod without its Secret says that it waits.
            annotations={"pulumi.com/waitFor": "condition=Ready"},
        ),
        spec={
            "refreshInterval": REFRESH_INTERVAL,
            "secretStoreRef": {"name": source.store, "kind": source.store_kind},
            "target": {"creationPolicy": "Owner"},
            "data": [
                {"secretKey": entry, "remoteRef": {"key": source.key} | ({} if part is None else {"property": part})}
                for entry, part in source.properties.items()
            ],
        },
        opts=opts,
    )
    return Credential(
        secret=secret, keys={entry: entry for entry in source.properties}, rotation=source.rotation, ready=(made,)
    )
