"""An IAM role that pods with one service account assume, instead of using an access key."""

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.aws.pod_identity import AwsIdentity, Irsa, PodIdentity, pod_identity_attachment, pod_identity_flow
from components.aws.policies import federated_trust, pod_trust
from components.aws.web_identity import to_aws, web_identity
from components.kubernetes import pods
from components.kubernetes.http_proxy import Outside

# Annotation of a service account, which the webhook of every EKS cluster reads.
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleIdentityArgs:
    """Input of `RoleIdentity`."""

    kind: Irsa | PodIdentity
    namespace: pulumi.Input[str]
    service_account: str
    policy: pulumi.Input[str]
    """The role's inline policy, as JSON."""

    description: str
    permissions_boundary: str | None
    """ARN of the permissions boundary that the AWS account requires; None if the account requires none."""

    aws: Outside = field(default_factory=to_aws)
    """The way to AWS's endpoints."""


class RoleIdentity(pulumi.ComponentResource):
    """An IAM role that only pods with one service account of one cluster may assume, and its inline policy."""

    identity: AwsIdentity

    def __init__(self, name: str, args: RoleIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:RoleIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            description=args.description,
            assume_role_policy=pulumi.Output.json_dumps(
                pulumi.Output.from_input(args.namespace).apply(lambda namespace: _trust(args, namespace))
            ),
            permissions_boundary=args.permissions_boundary,
            opts=child,
        )
        policy = aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=args.policy, opts=child)
        if isinstance(args.kind, Irsa):
            self.identity = AwsIdentity(
                attachment=pods.joined(web_identity(role.arn), args.aws.attachment),
                flows=args.aws.flows,
                ready=(policy,),
                annotations={ROLE_ANNOTATION: role.arn},
            )
        else:
            # A pod that starts before the association exists never gets credentials.
            association = aws.eks.PodIdentityAssociation(
                f"{name}-association",
                cluster_name=args.kind.cluster,
                namespace=args.namespace,
                service_account=args.service_account,
                role_arn=role.arn,
                opts=child,
            )
            self.identity = AwsIdentity(
                attachment=pods.joined(pod_identity_attachment(), args.aws.attachment),
                flows=(*args.aws.flows, pod_identity_flow()),
                ready=(policy, association),
            )
        self.register_outputs({"role": role.arn})


def _trust(args: RoleIdentityArgs, namespace: str) -> dict[str, object]:
    if isinstance(args.kind, Irsa):
        return federated_trust(provider=args.kind.provider, namespace=namespace, service_account=args.service_account)
    return pod_trust(
        cluster=args.kind.cluster,
        namespace=namespace,
        service_account=args.service_account,
    )
