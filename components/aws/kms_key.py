"""KMS keys for data at rest.

The key policy is AWS's default: the AWS account's administrators grant use of the key through IAM, and cannot lock
themselves out.
"""

import pulumi
import pulumi_aws as aws

# The longest waiting period of KMS: once the key is deleted, everything that it encrypted is lost.
DELETION_DAYS = 30


def storage_key(name: str, arn: str | None, data: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """ARN of a KMS key: `arn`, or if that is None the ARN of a new key with the description `Encrypts <data>`."""
    if arn is not None:
        return pulumi.Output.from_input(arn)
    return aws.kms.Key(
        name,
        description=f"Encrypts {data}",
        enable_key_rotation=True,
        deletion_window_in_days=DELETION_DAYS,
        opts=opts,
    ).arn
