"""Whom the platform's clients believe."""

import pulumi

from components.kubernetes import pods
from components.kubernetes.ca_certificates import Authorities, AuthoritiesArgs
from settings import Settings
from stackfile.mirror import mirrored


def trust(settings: Settings, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pods.Attachment:
    """What makes containers of the server's image believe the company's own authorities beside the public ones."""
    pem = settings.cluster.authorities
    if pem is None:
        return pods.NOTHING
    args = AuthoritiesArgs(
        namespace=namespace, pem=pem, image=mirrored(settings.server.image, settings.images.registry)
    )
    return Authorities("authorities", args, opts).attachment
