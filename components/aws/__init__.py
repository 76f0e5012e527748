"""AWS resources: the bucket, the database, and the identities of the pods that use them.

Only `factories/aws.py` imports those modules of this package that load pulumi_aws: loading takes seconds, which stacks
without AWS should not wait for.
"""
