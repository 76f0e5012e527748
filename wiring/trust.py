"""Whom the platform's clients believe."""

import pulumi

import components as c
import settings as s
from components import pods
from stackfile.mirror import mirrored


def trust(settings: s.Settings, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pods.Attachment:
    """What makes containers of the server's image believe the company's own authorities beside the public ones."""
    pem = settings.cluster.authorities
    if pem is None:
        return pods.NOTHING
    args = c.AuthoritiesArgs(
        namespace=namespace, pem=pem, image=mirrored(settings.server.image, settings.images.registry)
    )
    return c.Authorities("authorities", args, opts).attachment
