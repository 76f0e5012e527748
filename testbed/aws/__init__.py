"""AWS for machines that have none: a moto server whose IAM policies count. Test equipment, never part of the platform.

moto keeps what the calls create; `gate.py` stands before it, checks who asks (`signature.py`, `identity.py`,
`webidentity.py`), finds out what AWS would call the request (`requests/`), and asks the policies (`policy/`)::

    from testbed.aws import server

    with server.running() as aws:
        aws.url, aws.tls_url, aws.authority_pem   # the same AWS without and with TLS
        aws.administrator                         # an access key that may do everything
        aws.actions()                             # who asked for what, and what became of it

The rule for every line in here: never kinder than AWS. What the equipment does not know (an operator or key of a
condition, an element of a policy, a request whose action it has no name for) is a fault, never an allowance.

It is our reading of AWS's documentation, not AWS. Left out: service control policies, session policies, access control
lists (they never grant anything here), NotPrincipal, several accounts, signatures of single chunks of an upload.
"""
