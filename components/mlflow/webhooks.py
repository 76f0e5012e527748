"""The key that encrypts the secrets of webhooks, and network access to the webhook proxy."""

import base64
import hashlib

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import networks, pods
from components.mlflow import webhook_proxy
from components.mlflow.args import MLflowArgs

core = k8s.core.v1

# More than the 256 bits of the key.
CHARACTERS = 64


def encryption_key(name: str, args: MLflowArgs, opts: pulumi.ResourceOptions) -> pods.Attachment:
    """The key with which the server encrypts the secrets of webhooks, as an environment variable from a Secret.

    Without this variable each process generates its own key, and cannot decrypt what other processes encrypted. The key
    is kept while webhooks are off, so that stored secrets can be read when webhooks are on again.
    """
    protected = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=args.durable))
    # Not RandomBytes: its id shows the bytes, and ids are not encrypted in the state.
    password = random.RandomPassword(f"{name}-webhook-key", length=CHARACTERS, special=False, opts=protected)
    secret = core.Secret(
        f"{name}-webhooks",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        string_data={"key": password.result.apply(fernet_key)},
        opts=protected,
    )
    return pods.Attachment(env=(pods.secret_env("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", secret, "key"),))


def fernet_key(password: str) -> str:
    """A key in Fernet's format: 32 bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(hashlib.sha256(password.encode()).digest()).decode()


def flows(args: MLflowArgs) -> list[networks.Flow]:
    """Connections to the webhook proxy, the only path to the hosts of webhooks; none while webhooks are off."""
    if not args.webhook_hosts:
        return []
    return [networks.Flow(peers=[networks.pods(webhook_proxy.LABELS)], ports=[webhook_proxy.PORT])]
