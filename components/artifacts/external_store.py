"""A bucket that exists, at AWS or in any store that speaks S3: its credential, its authority, and the way there."""

from dataclasses import dataclass

import pulumi

from components.artifacts.artifact_store import ACCESS_KEY, ArtifactStore, s3_environment, s3_uri
from components.aws.web_identity import to_aws, web_identity
from components.kubernetes import ca_certificates as authority
from components.kubernetes import networks, pods
from components.kubernetes.credential import Source, credential


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleOfAws:
    """An AWS role that the server's service account may take, in the place of an access key."""

    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalStoreArgs:
    """Input of `ExternalStore`."""

    namespace: pulumi.Input[str]
    bucket: str
    region: str
    endpoint_url: str | None
    """None means AWS."""

    authority: str | None = None
    """PEM of the authority that signed the store's certificate; None means a public one."""

    access: Source | RoleOfAws
    """A key in the entries `access-key-id` and `secret-access-key`, or a role."""


class ExternalStore(pulumi.ComponentResource):
    """An existing bucket in any S3-compatible store."""

    store: ArtifactStore

    def __init__(self, name: str, args: ExternalStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        believed = authority.of_its_own(name, args.authority, namespace=args.namespace, opts=child)
        ready: tuple[pulumi.Resource, ...] = ()
        if isinstance(args.access, RoleOfAws):
            access = web_identity(args.access.arn)
        else:
            key = credential(name, args.access, namespace=args.namespace, opts=child)
            access, ready = pods.Attachment(env=key.env(ACCESS_KEY)), key.ready
        self.store = ArtifactStore(
            uri=s3_uri(args.bucket),
            attachment=pods.joined(
                pods.Attachment(
                    env=s3_environment(
                        region=args.region,
                        endpoint_url=args.endpoint_url,
                        authority_file=None if args.authority is None else believed.file,
                    )
                ),
                believed.attachment,
                access,
            ),
            flows=(
                to_aws()
                if args.endpoint_url is None
                else networks.Flow(
                    peers=[networks.anywhere_but_metadata()], ports=[networks.port_of(args.endpoint_url)]
                ),
            ),
            ready=ready,
        )
        self.register_outputs({"bucket": args.bucket})
