"""What lies at AWS: the bucket, the database, and the identities of the pods that use them.

Only `factories/aws.py` imports modules of this package that load pulumi_aws: that takes seconds, which no stack without
AWS shall wait for.
"""
