"""Every policy document of the platform at AWS, as functions of plain values.

Each action in them is one that a case in testbed/tests/aws needs; what is absent is refused. `s3:ListBucket` makes a
missing object a 404 instead of a 403. Deleting versions, reading old ones and every action on buckets as such stay with
the people who run the account.
"""

from collections.abc import Sequence

from components.aws.web_identity import AUDIENCE

Document = dict[str, object]
Statement = dict[str, object]

# Where artifacts of a workspace are below the root of all (mlflow/store/workspace_aware_mixin.py).
WORKSPACES = "workspaces"
OBJECT_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
# What S3 asks of a key on a caller's behalf: to write, and to read or to finish an upload in parts.
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def document(*statements: Statement) -> Document:
    """Statements as IAM takes them."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def server(*, bucket: str, key: str, region: str) -> Document:
    """What the server does with the bucket, which has no other user: everything with objects."""
    return document(
        {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
        _objects(f"{bucket}/*"),
        _key(key, KEY_ACTIONS, f"s3.{region}"),
    )


def team(team: str, *, bucket: str, key: str, region: str) -> Document:
    """What a team's programs do with the files of their own workspace.

    The slash behind the team's name keeps `team-a` out of what belongs to `team-ab`.
    """
    prefix = f"{WORKSPACES}/{team}/"
    return document(
        {
            "Sid": "List",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
        },
        _objects(f"{bucket}/{prefix}*"),
        _key(key, KEY_ACTIONS, f"s3.{region}"),
    )


def secret_reader(*, secret: str, key: str, region: str) -> Document:
    """What reads one secret of Secrets Manager."""
    return document(
        {"Sid": "Read", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret},
        _key(key, ("kms:Decrypt",), f"secretsmanager.{region}"),
    )


def bucket(*, bucket: str, key: str) -> Document:
    """What nobody may do with the bucket, whatever else allows it: come without TLS, or encrypt otherwise.

    A condition on a header that is absent would hold for its negation, hence `Null`: who says nothing gets the
    bucket's own encryption.
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
    """Who may take a role: pods of one service account, by the token that the cluster's OIDC `provider` stands for."""
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
    """Who may take a role: EKS, on behalf of pods of one service account of one cluster.

    `sts:TagSession` is part of it: EKS says by session tags whom it asks for, and the conditions read them.
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
    """Use of a key by way of one service only: nobody decrypts with it what did not come from there."""
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
