"""An IAM user with an access key in a Secret, for clusters whose service-account tokens AWS STS does not accept."""

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.aws.pod_identity import AwsIdentity
from components.aws.web_identity import to_aws
from components.kubernetes import pods
from components.kubernetes.http_proxy import Outside

# Keys in the Secret, with the names of the environment variables, so that pods can use the Secret with `envFrom`.
KEY_ID = "AWS_ACCESS_KEY_ID"
KEY = "AWS_SECRET_ACCESS_KEY"


@dataclass(frozen=True, kw_only=True, slots=True)
class UserIdentityArgs:
    """Input of `UserIdentity`."""

    rotation: int
    """A new number creates a new access key."""

    namespace: pulumi.Input[str]
    policy: pulumi.Input[str]
    """The user's inline policy, as JSON."""

    permissions_boundary: str | None
    """ARN of the permissions boundary that the AWS account requires; None if the account requires none."""

    aws: Outside = field(default_factory=to_aws)
    """The way to AWS's endpoints."""

    secret: str | None = None
    """Fixed name of the Secret, for a Secret that users refer to by name: a new access key does not change the name.
    With None the name is generated: a new access key is in a Secret with a new name, which restarts the pods."""


class UserIdentity(pulumi.ComponentResource):
    """An IAM user with an inline policy, an access key, and the Secret that holds the access key."""

    identity: AwsIdentity

    def __init__(self, name: str, args: UserIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:UserIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(f"{name}-user", permissions_boundary=args.permissions_boundary, opts=child)
        policy = aws.iam.UserPolicy(f"{name}-policy", user=user.name, policy=args.policy, opts=child)
        # An IAM user may have two access keys: the new one is created and rolled out before the old one is deleted.
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
        self.identity = AwsIdentity(
            attachment=pods.joined(
                pods.Attachment(env=(pods.secret_env(KEY_ID, secret, KEY_ID), pods.secret_env(KEY, secret, KEY))),
                args.aws.attachment,
            ),
            flows=args.aws.flows,
            ready=(policy, secret),
        )
        self.register_outputs({"user": user.name})
