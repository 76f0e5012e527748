"""A user with an access key in a Secret: the identity for pods outside AWS, whose tokens STS does not know."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.aws.pod_identity import Identity
from components.aws.web_identity import to_aws
from components.kubernetes import pods

# The environment's own names, so that a Secret goes into a pod by `envFrom` as it is.
KEY_ID = "AWS_ACCESS_KEY_ID"
KEY = "AWS_SECRET_ACCESS_KEY"


@dataclass(frozen=True, kw_only=True, slots=True)
class UserIdentityArgs:
    """Input of `UserIdentity`."""

    rotation: int
    """Each new number is a new key."""

    namespace: pulumi.Input[str]
    policy: pulumi.Input[str]
    """What the user may do, as JSON."""

    permissions_boundary: str | None
    """ARN of the policy that limits every user of the account's; None where there is none."""

    secret: str | None = None
    """Name of the Secret where people have to type it. None lets a new key come in a new Secret, and with that in new
    pods; under a name of its own it comes in the place of the old one."""


class UserIdentity(pulumi.ComponentResource):
    """An IAM user with one policy of its own, an access key, and the Secret that holds it."""

    identity: Identity

    def __init__(self, name: str, args: UserIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:UserIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(f"{name}-user", permissions_boundary=args.permissions_boundary, opts=child)
        policy = aws.iam.UserPolicy(f"{name}-policy", user=user.name, policy=args.policy, opts=child)
        # A user has two keys at most: the new one is made, pods get it, and then the old one goes.
        key = aws.iam.AccessKey(
            f"{name}-key",
            user=user.name,
            opts=pulumi.ResourceOptions(parent=self, replacement_trigger=args.rotation),
        )
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=args.secret),
            string_data={KEY_ID: key.id, KEY: key.secret},
            opts=child,
        )
        self.identity = Identity(
            attachment=pods.Attachment(
                env=(pods.secret_env(KEY_ID, secret, KEY_ID), pods.secret_env(KEY, secret, KEY))
            ),
            flows=(to_aws(),),
            ready=(policy, secret),
        )
        self.register_outputs({"user": user.name})
