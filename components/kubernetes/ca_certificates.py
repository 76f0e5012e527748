"""Certificate authorities for clients in pods: whom they believe that a server is who it says.

`of_its_own` is for one service: its clients believe this authority and no other. `Authorities` is for a company that
signs its own certificates: every client believes those and the public ones.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods

core = k8s.core.v1

# The bundle of images/mlflow, which is Debian's.
PUBLIC = "/etc/ssl/certs/ca-certificates.crt"
FILE = "ca-certificates.crt"
# `cat` and a file of 250 KiB.
RESOURCES = pods.Resources(cpu="10m", memory="16Mi", cpu_limit="100m", memory_limit="64Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """Whom a client believes."""

    file: str = PUBLIC
    """PEM, in the client's container."""

    attachment: pods.Attachment = pods.NOTHING
    """What puts it there."""


def of_its_own(name: str, pem: str | None, *, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Authority:
    """The authority of the service `name`; None means that a public one has signed its certificate."""
    if pem is None:
        return Authority()
    bundle = _bundle(f"{name}-authority", pem, namespace, opts)
    folder, volume = f"/etc/authorities/{name}", f"{name}-authority"
    return Authority(
        file=f"{folder}/ca.crt",
        attachment=pods.Attachment(
            mounts=(core.VolumeMountArgs(name=volume, mount_path=folder, read_only=True),),
            volumes=(_volume(volume, bundle),),
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthoritiesArgs:
    """Input of `Authorities`."""

    namespace: pulumi.Input[str]
    pem: str
    image: str
    """The server's, whose public bundle they are put beside."""


class Authorities(pulumi.ComponentResource):
    """A company's own authorities, which every client in an image with Debian's bundle believes beside the public ones.

    The bundle is put together in each pod, so that it is that of the image and ages with it alone.
    """

    attachment: pods.Attachment

    def __init__(self, name: str, args: AuthoritiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Authorities", name, None, opts)
        bundle = _bundle(f"{name}-bundle", args.pem, args.namespace, pulumi.ResourceOptions(parent=self))
        self.attachment = pods.Attachment(
            # OpenSSL and libpq read the file in its usual place; requests and boto3 bring bundles of their own.
            env=tuple(
                core.EnvVarArgs(name=variable, value=PUBLIC) for variable in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
            ),
            mounts=(core.VolumeMountArgs(name="trust", mount_path=PUBLIC, sub_path=FILE, read_only=True),),
            volumes=(pods.scratch("trust", "1Mi"), _volume("authorities", bundle)),
            init_containers=(
                core.ContainerArgs(
                    name="trust",
                    image=args.image,
                    command=["sh", "-euc", f"cat {PUBLIC} /etc/authorities/ca.crt > /trust/{FILE}"],
                    resources=RESOURCES.to_args(),
                    security_context=pods.container_security(),
                    volume_mounts=[
                        core.VolumeMountArgs(name="authorities", mount_path="/etc/authorities", read_only=True),
                        core.VolumeMountArgs(name="trust", mount_path="/trust"),
                    ],
                ),
            ),
        )
        self.register_outputs({})


def _bundle(name: str, pem: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> core.ConfigMap:
    return core.ConfigMap(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        data={"ca.crt": pem if pem.endswith("\n") else f"{pem}\n"},
        opts=opts,
    )


def _volume(name: str, bundle: core.ConfigMap) -> core.VolumeArgs:
    return core.VolumeArgs(name=name, config_map=core.ConfigMapVolumeSourceArgs(name=bundle.metadata.name))
