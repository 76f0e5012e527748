"""Stand-in for AWS: a moto server that enforces IAM policies. Test equipment, never part of the platform.

moto keeps the resources. `gateway.py` stands in front of it: it authenticates a request (`signature.py`,
`web_identity.py`), finds the permissions that AWS would require for it (`calls/`) and evaluates the policies
(`policy/`)::

    from testbed.aws import server

    with server.running() as aws:
        aws.url, aws.tls_url, aws.authority_pem   # the same AWS without and with TLS
        aws.administrator                         # an access key with all permissions
        aws.actions()                             # a log of requested actions and verdicts

The stand-in must never be more permissive than AWS. Anything it does not know (a condition operator or key, an element
of a policy, an API call without a known action) is an error, never allowed.

It follows AWS's documentation, but it is not AWS. Missing: service control policies, session policies, access control
lists (they never grant anything here), NotPrincipal, several accounts, signatures of single chunks of an upload.
"""
