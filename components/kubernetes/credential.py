"""Credentials from four types of sources, each as a Secret in the platform's namespace and the keys to read in it.

Values of the stack file and generated passwords go into a Secret that the program creates. An existing Secret is used
as it is. For a secret manager the program creates an `ExternalSecret`, from which External Secrets Operator creates the
Secret. The entries of a credential have fixed names, for example `password`; the keys in the Secret may differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import pods

core = k8s.core.v1

# How often External Secrets Operator reads the secret manager: the operator's default.
REFRESH_INTERVAL = "1h"
# 36 letters and digits are 214 bits.
LENGTH = 36


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfiguredValues:
    """Values from the stack file or from another resource."""

    values: Mapping[str, pulumi.Output[str]]
    """Value by entry of the credential, for example `password`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedPassword:
    """One password that Pulumi generates."""

    entry: str = "password"
    rotation: int = 1
    """A new number generates a new password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingSecret:
    """An existing Secret in the platform's namespace."""

    name: str
    keys: Mapping[str, str]
    """Key in the Secret, by entry of the credential."""

    rotation: int = 1
    """A new number restarts the pods: the Pulumi program does not notice changes of a Secret that others manage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncedSecret:
    """A Secret that External Secrets Operator copies from a secret manager."""

    store: str
    store_kind: str
    """`ClusterSecretStore` or `SecretStore`."""

    key: str
    """Name of the secret in the secret manager."""

    properties: Mapping[str, str | None]
    """Property of the secret in the secret manager, by entry of the credential; None means the whole secret."""

    rotation: int = 1
    """A new number restarts the pods, as in `ExistingSecret`."""


Source = ConfiguredValues | GeneratedPassword | ExistingSecret | SyncedSecret


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """A credential in the form that containers read: a Secret, and the keys in it."""

    secret: pulumi.Input[str]
    """Name of the Secret."""

    keys: Mapping[str, str]
    """Key in the Secret, by entry of the credential."""

    rotation: int | None
    """Rotation number to set as an environment variable, so that a new number restarts the pods. None if a new value
    renames the Secret, which restarts the pods too."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a pod reads the Secret."""

    def env(self, variables: Mapping[str, str]) -> tuple[core.EnvVarArgs, ...]:
        """Environment variables from the credential; `variables` maps each variable's name to an entry."""
        values = tuple(pods.secret_env(name, self.secret, self.keys[entry]) for name, entry in variables.items())
        return (*values, *self.rotation_env(next(iter(variables))))

    def rotation_env(self, variable: str) -> tuple[core.EnvVarArgs, ...]:
        """The variable `<variable>_ROTATION`, which restarts the pods when the rotation number changes."""
        if self.rotation is None:
            return ()
        return (core.EnvVarArgs(name=f"{variable}_ROTATION", value=str(self.rotation)),)

    def file(self, entry: str, path: str) -> core.VolumeProjectionArgs:
        """A source for a projected volume: the credential's `entry` as the file `path`."""
        return core.VolumeProjectionArgs(
            secret=core.SecretProjectionArgs(
                name=self.secret, items=[core.KeyToPathArgs(key=self.keys[entry], path=path)]
            )
        )


def keepers(rotation: int) -> dict[str, str] | None:
    """The `keepers` of a generated value: a new rotation number replaces the value.

    None for number 1, so that values stay that were generated before rotation numbers existed.
    """
    return None if rotation == 1 else {"rotation": str(rotation)}


def credential(name: str, source: Source, *, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Credential:
    """Create the credential from `source`; the names of the resources that are created for it begin with `name`."""
    match source:
        case ExistingSecret():
            return Credential(secret=source.name, keys=source.keys, rotation=source.rotation, ready=())
        case SyncedSecret():
            return _synced(name, source, namespace, opts)
        case GeneratedPassword():
            password = random.RandomPassword(
                f"{name}-password", length=LENGTH, special=False, keepers={"rotation": str(source.rotation)}, opts=opts
            )
            return _new_secret(name, {source.entry: password.result}, namespace, opts)
        case ConfiguredValues():
            return _new_secret(name, source.values, namespace, opts)


def _new_secret(
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


def _synced(name: str, source: SyncedSecret, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Credential:
    # Explicit name: External Secrets Operator gives the Secret the same name.
    secret = f"{name}-credential"
    external_secret = k8s.apiextensions.CustomResource(
        secret,
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=namespace,
            name=secret,
            # The ExternalSecret's condition says what is wrong with the store; a pod only reports a missing Secret.
            annotations={"pulumi.com/waitFor": "condition=Ready"},
        ),
        spec={
            "refreshInterval": REFRESH_INTERVAL,
            "secretStoreRef": {"name": source.store, "kind": source.store_kind},
            "target": {"creationPolicy": "Owner"},
            "data": [
                {"secretKey": entry, "remoteRef": {"key": source.key} | ({} if field is None else {"property": field})}
                for entry, field in source.properties.items()
            ],
        },
        opts=opts,
    )
    return Credential(
        secret=secret,
        keys={entry: entry for entry in source.properties},
        rotation=source.rotation,
        ready=(external_secret,),
    )
