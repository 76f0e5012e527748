"""CA certificates that clients in pods trust.

`service_authority` is for one service with a private CA: the service's clients trust the certificate of that CA only.
`Authorities` is for a company with its own CA: every client trusts the company's CA certificates in addition to the
public ones.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods, volumes

core = k8s.core.v1

# Debian's CA bundle in images/mlflow.
PUBLIC = "/etc/ssl/certs/ca-certificates.crt"
FILE = "ca-certificates.crt"
# Enough for `cat` with a file of 250 KiB.
RESOURCES = pods.Resources(cpu="10m", memory="16Mi", cpu_limit="100m", memory_limit="64Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A file with the CA certificates that a client trusts."""

    file: str = PUBLIC
    """Path of the PEM file in the client's container."""

    attachment: pods.Attachment = pods.NOTHING
    """Mounts the file; empty if the file is part of the image."""


def service_authority(
    name: str, pem: str | None, *, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Authority:
    """The CA certificate of the service `name` as a file; a `pem` of None means the public CA certificates."""
    if pem is None:
        return Authority()
    config_map = _config_map(f"{name}-authority", pem, namespace, opts)
    folder = f"/etc/authorities/{name}"
    return Authority(
        file=f"{folder}/ca.crt",
        attachment=volumes.config_map_files(f"{name}-authority", config_map.metadata.name, folder),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthoritiesArgs:
    """Input of `Authorities`."""

    namespace: pulumi.Input[str]
    pem: str
    image: str
    """The server's image; the company's CA certificates are added to its bundle of public ones."""


class Authorities(pulumi.ComponentResource):
    """A company's CA certificates, which containers of the server's image trust in addition to the public ones.

    An init container in each pod writes both into one file, so that the public CA certificates are always those of the
    image.
    """

    attachment: pods.Attachment

    def __init__(self, name: str, args: AuthoritiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Authorities", name, None, opts)
        config_map = _config_map(f"{name}-bundle", args.pem, args.namespace, pulumi.ResourceOptions(parent=self))
        authorities = volumes.config_map_files("authorities", config_map.metadata.name, "/etc/authorities")
        trust = volumes.scratch("trust", "/trust", "1Mi")
        self.attachment = pods.Attachment(
            # OpenSSL and libpq read the bundle at its usual path; requests and boto3 come with bundles of their own.
            env=tuple(
                core.EnvVarArgs(name=variable, value=PUBLIC) for variable in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
            ),
            mounts=(core.VolumeMountArgs(name="trust", mount_path=PUBLIC, sub_path=FILE, read_only=True),),
            volumes=(*trust.volumes, *authorities.volumes),
            init_containers=(
                core.ContainerArgs(
                    name="trust",
                    image=args.image,
                    command=["sh", "-euc", f"cat {PUBLIC} /etc/authorities/ca.crt > /trust/{FILE}"],
                    resources=RESOURCES.to_args(),
                    security_context=pods.container_security(),
                    volume_mounts=[*authorities.mounts, *trust.mounts],
                ),
            ),
        )
        self.register_outputs({})


def _config_map(name: str, pem: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> core.ConfigMap:
    return core.ConfigMap(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        data={"ca.crt": pem if pem.endswith("\n") else f"{pem}\n"},
        opts=opts,
    )
