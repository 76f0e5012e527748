"""An existing bucket at AWS or in an S3-compatible store: its credential, CA certificate and network access."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.artifacts.artifact_store import (
    ACCESS_KEY,
    ArtifactStore,
    DirectAccess,
    s3_environment,
    s3_uri,
    team_key,
    workspace_folder,
)
from components.aws.web_identity import to_s3, web_identity
from components.kubernetes import pods
from components.kubernetes.ca_certificates import service_authority
from components.kubernetes.credential import Source, credential
from components.kubernetes.http_proxy import HttpProxy


@dataclass(frozen=True, kw_only=True, slots=True)
class AssumedRole:
    """An AWS role that the server's service account assumes instead of using an access key."""

    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalStoreArgs:
    """Input of `ExternalStore`."""

    namespace: pulumi.Input[str]
    bucket: str
    prefix: str | None = None
    """Folder of all artifacts; None means the whole bucket."""

    region: str
    endpoint_url: str | None
    """URL of the S3 API; None means AWS."""

    checksums: bool = True
    """False sends the additional checksums of S3 only where the protocol demands them."""

    authority: str | None = None
    """CA certificate that the store's clients trust, as PEM; None means the public CA certificates."""

    teams: Mapping[str, pulumi.Output[tuple[str, str]]] = field(
        default_factory=dict[str, pulumi.Output[tuple[str, str]]]
    )
    """Access key of each team with direct access: its id and secret. The store confines it to the team's workspace."""

    proxy: HttpProxy | None = None
    """The company's HTTP proxy."""

    access: Source | AssumedRole
    """Source of an access key (entries `access-key-id` and `secret-access-key`), or the AWS role to assume."""


class ExternalStore(pulumi.ComponentResource):
    """An existing bucket at AWS or in an S3-compatible store."""

    artifact_store: ArtifactStore

    def __init__(self, name: str, args: ExternalStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        authority = service_authority(name, args.authority, namespace=args.namespace, opts=child)
        ready: tuple[pulumi.Resource, ...] = ()
        if isinstance(args.access, AssumedRole):
            access = web_identity(args.access.arn)
        else:
            key = credential(name, args.access, namespace=args.namespace, opts=child)
            access, ready = pods.Attachment(env=key.env(ACCESS_KEY)), key.ready
        way = to_s3(args.endpoint_url, args.region, args.proxy)
        # Teams' pods get no proxy, through which they would reach every host that it admits.
        direct = to_s3(args.endpoint_url, args.region, None)
        self.artifact_store = ArtifactStore(
            uri=s3_uri(args.bucket, args.prefix),
            attachment=pods.joined(
                pods.Attachment(
                    env=s3_environment(
                        region=args.region,
                        endpoint_url=args.endpoint_url,
                        authority_file=None if args.authority is None else authority.file,
                        checksums=args.checksums,
                    )
                ),
                authority.attachment,
                access,
                way.attachment,
            ),
            flows=way.flows,
            ready=ready,
            team_access={
                team: DirectAccess(
                    environment={},
                    flows=direct.flows,
                    secret=team_key(
                        workspace_folder(team, args.prefix),
                        bucket=args.bucket,
                        region=args.region,
                        endpoint_url=args.endpoint_url,
                        checksums=args.checksums,
                        key=(key[0], key[1]),
                    ),
                )
                for team, key in args.teams.items()
            },
        )
        self.register_outputs({"bucket": args.bucket})
