"""The KMS key of what holds data.

Its policy is AWS's default: the account's administrators decide by IAM who uses it, and nobody is locked out of it.
"""

import pulumi
import pulumi_aws as aws

# The longest that KMS offers: a key that is gone takes everything with it that it encrypted.
DELETION_DAYS = 30


def storage_key(name: str, given: str | None, of: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """ARN of the key that was given, or of a new one."""
    if given is not None:
        return pulumi.Output.from_input(given)
    return aws.kms.Key(
        name,
        description=f"Encrypts {of}",
        enable_key_rotation=True,
        deletion_window_in_days=DELETION_DAYS,
        opts=opts,
    ).arn
