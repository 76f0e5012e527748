"""The rules about resources at AWS; the functions that find violations are in a module for each topic."""

from . import aws, buckets, stack
from .references import Reference, aws_benchmark, security_hub
from .rule import ResourceRule, Rule, StackRule

RULES: tuple[Rule, ...] = (
    StackRule(
        name="buckets-are-guarded",
        demands="Buckets are encrypted, versioned, private and accept only TLS.",
        reason="At AWS each of these settings is a separate resource, and a bucket works without any of them.",
        remedy="Add the resource that the message names, in the component of the bucket.",
        reference=aws_benchmark("Simple Storage Service"),
        finds=buckets.guarded,
    ),
    StackRule(
        name="buckets-keep-old-versions",
        demands="Old versions of objects are kept for a while, and then deleted.",
        reason="Old versions restore objects that were deleted by mistake; kept for ever, they cost more every month.",
        remedy="Add a lifecycle rule for all objects with noncurrentVersionExpiration of at least `minimumDays`.",
        reference=security_hub("S3.10, lifecycle of versioned buckets", "s3-controls"),
        parameters=buckets.RETENTION,
        finds=buckets.retained,
    ),
    ResourceRule(
        name="aws-is-closed",
        demands="AWS resources are encrypted and not public.",
        reason="If a resource is public or unencrypted, a single further mistake lets others read its data.",
        remedy="Set the input that the message names; allow security groups instead of addresses.",
        reference=aws_benchmark("Simple Storage Service, Relational Database Service, Networking"),
        finds=aws.closed,
    ),
    ResourceRule(
        name="databases-are-durable",
        demands="Databases at AWS have backups and deletion protection.",
        reason="All metadata of all teams is in one database.",
        remedy="Set deletionProtection, a final snapshot and backupRetentionPeriod; pass protect=True.",
        reference=security_hub("RDS.8, deletion protection, and RDS.11, backups", "rds-controls"),
        parameters=stack.DISPOSABLE,
        finds=aws.durable,
    ),
    ResourceRule(
        name="rights-at-aws-are-least",
        demands="IAM policies list specific actions, resources and principals.",
        reason="A wildcard also grants access to everything that is added to the account later.",
        remedy="List actions, ARNs and principals; give a trust policy a condition on the service account.",
        reference=aws_benchmark("Identity and Access Management"),
        finds=aws.least,
    ),
    ResourceRule(
        name="aws-is-tagged",
        demands="Everything at AWS has the tags that the stack requires.",
        reason="Without tags nobody knows who pays for a resource and who may delete it.",
        remedy="Add the tags to defaultTags of the provider.",
        reference=Reference(
            "AWS, Best Practices for Tagging",
            "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
        ),
        parameters=aws.TAGS,
        finds=aws.tagged,
    ),
)
