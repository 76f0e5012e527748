"""Backing services that somebody else runs: the platform keeps their credentials in Secrets and opens the way there."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import networks, pods
from components.artifact_store import ArtifactStore, key_environment, s3_environment, s3_uri
from components.database import Database, postgresql_uri

core = k8s.core.v1

# The name and the authority of the server are verified; the bundle is that of images/mlflow (Debian's).
VERIFIED_TLS = "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDatabaseArgs:
    """Input of `ExternalDatabase`."""

    namespace: pulumi.Input[str]
    host: str
    port: int
    name: str
    user: str
    password: pulumi.Output[str]


class ExternalDatabase(pulumi.ComponentResource):
    """A PostgreSQL database by host, port, user name and password; its TLS certificate is verified."""

    database: Database

    def __init__(self, name: str, args: ExternalDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalDatabase", name, None, opts)
        credential = core.Secret(
            f"{name}-credential",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            string_data={"password": args.password},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.database = Database(
            uri=postgresql_uri(host=args.host, port=args.port, name=args.name, user=args.user, tls=VERIFIED_TLS),
            attachment=pods.Attachment(env=(pods.secret_env("PGPASSWORD", credential, "password"),)),
            flows=(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[args.port]),),
            ready=(credential,),
        )
        self.register_outputs({"host": args.host})


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalStoreArgs:
    """Input of `ExternalStore`."""

    namespace: pulumi.Input[str]
    bucket: str
    region: str
    endpoint_url: str | None
    """None means AWS."""

    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]


class ExternalStore(pulumi.ComponentResource):
    """An existing bucket in any S3-compatible store."""

    store: ArtifactStore

    def __init__(self, name: str, args: ExternalStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalStore", name, None, opts)
        credentials = core.Secret(
            f"{name}-credential",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            string_data={"access-key-id": args.access_key_id, "secret-access-key": args.secret_access_key},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.store = ArtifactStore(
            uri=s3_uri(args.bucket),
            attachment=pods.Attachment(
                env=(
                    *s3_environment(region=args.region, endpoint_url=args.endpoint_url),
                    *key_environment(credentials),
                )
            ),
            flows=(
                networks.Flow(
                    peers=[networks.anywhere_but_metadata()],
                    ports=[443 if args.endpoint_url is None else networks.port_of(args.endpoint_url)],
                ),
            ),
            ready=(credentials,),
        )
        self.register_outputs({"bucket": args.bucket})
