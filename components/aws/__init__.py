"""AWS resources: the bucket, the database, and the identities of the pods that use them.

Loading pulumi_aws takes seconds. So that stacks without AWS do not wait, only `factories/aws.py` imports the modules of
this package that load pulumi_aws.
"""
