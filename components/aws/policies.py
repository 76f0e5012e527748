"""All IAM and bucket policies of the platform, as functions whose arguments are strings, not Pulumi outputs.

A test in testbed/tests/aws proves that each action in these policies is needed. With `s3:ListBucket`, S3 answers a
request for a missing object with 404 instead of 403. No policy allows reading or deleting noncurrent versions, or
changing the bucket: only the AWS account's administrators can do that.
"""

from collections.abc import Sequence

from components.artifacts.artifact_store import workspace_folder
from components.aws.web_identity import AUDIENCE

Document = dict[str, object]
Statement = dict[str, object]

OBJECT_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
# KMS actions that S3 needs on behalf of a caller: the first one to write, the second one to read or to complete a
# multipart upload.
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def document(*statements: Statement) -> Document:
    """A policy document with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def server(*, bucket: str, prefix: str | None = None, key: str, region: str) -> Document:
    """IAM policy of the server: to list, read, write and delete all objects of the bucket, or those below `prefix`."""
    listing: Statement = {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
    if prefix is not None:
        # With `IfExists`, because a request for a missing object has no `s3:prefix`, and its answer must be 404.
        listing["Condition"] = {"StringLikeIfExists": {"s3:prefix": f"{prefix}/*"}}
    return document(
        listing,
        _objects(f"{bucket}/*" if prefix is None else f"{bucket}/{prefix}/*"),
        _key(key, KEY_ACTIONS, f"s3.{region}"),
    )


def team(team: str, *, bucket: str, prefix: str | None = None, key: str, region: str) -> Document:
    """IAM policy of a team's programs: to list, read, write and delete the objects of their own workspace."""
    folder = workspace_folder(team, prefix)
    return document(
        {
            "Sid": "List",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{folder}*"}},
        },
        _objects(f"{bucket}/{folder}*"),
        _key(key, KEY_ACTIONS, f"s3.{region}"),
    )


def secret_reader(*, secret: str, key: str, region: str) -> Document:
    """IAM policy to read one secret in AWS Secrets Manager."""
    return document(
        {"Sid": "Read", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret},
        _key(key, ("kms:Decrypt",), f"secretsmanager.{region}"),
    )


def bucket(*, bucket: str, key: str) -> Document:
    """Bucket policy that denies requests without TLS, and uploads that request other encryption than the bucket's.

    The condition `StringNotEquals` is also true for uploads without an encryption header. The condition `Null` exempts
    these uploads, because S3 encrypts them with the bucket's encryption.
    """
    return document(
        {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        _deny_unless("DenyOtherEncryption", bucket, "s3:x-amz-server-side-encryption", "aws:kms"),
        _deny_unless("DenyOtherKeys", bucket, "s3:x-amz-server-side-encryption-aws-kms-key-id", key),
    )


def federated_trust(*, provider: str, namespace: str, service_account: str) -> Document:
    """Trust policy that lets pods with one service account assume the role with a service-account token.

    `provider` is the ARN of the cluster's OIDC provider in IAM, against which AWS STS verifies the token.
    """
    issuer = provider.partition(":oidc-provider/")[2]
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": AUDIENCE,
                    f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                }
            },
        }
    )


def pod_trust(*, cluster: str, namespace: str, service_account: str) -> Document:
    """Trust policy that lets EKS Pod Identity assume the role for pods with one service account of one cluster.

    `sts:TagSession` is needed because EKS names cluster, namespace and service account in session tags.
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-name": cluster,
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                }
            },
        }
    )


def _objects(resource: str) -> Statement:
    return {"Sid": "Objects", "Effect": "Allow", "Action": list(OBJECT_ACTIONS), "Resource": resource}


def _key(key: str, actions: Sequence[str], service: str) -> Statement:
    """Policy statement that allows the use of a KMS key through one AWS service only, not by direct calls of KMS."""
    return {
        "Sid": "Key",
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": f"{service}.amazonaws.com"}},
    }


def _deny_unless(name: str, bucket: str, header: str, value: str) -> Statement:
    return {
        "Sid": name,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{bucket}/*",
        "Condition": {"StringNotEquals": {header: value}, "Null": {header: "false"}},
    }
