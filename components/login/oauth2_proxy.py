"""The login: OAuth2-Proxy as a sidecar in the server's pod, behind HAProxy (front.py): the only path to the server.

OAuth2-Proxy accepts browsers (with a session cookie), ID tokens of the identity provider, Kubernetes service-account
tokens and, with the basic login, user names with passwords. It replaces all identity headers that a client sends. It
and the server listen on loopback, so no request can bypass either of them. OAuth2-Proxy only authenticates: the server
authorises requests by Kubernetes RBAC.
"""

import dataclasses
from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.http_proxy import Outside
from components.login import issuers
from components.login.command_line import LoginArgs, arguments, verifying
from components.login.files import login_authorities, login_pages, login_secrets
from components.login.front import PROBE_PORT, Front, FrontArgs

core = k8s.core.v1

# Measured: 6-8 MiB idle; uploads are streamed.
RESOURCES = pods.Resources(cpu="50m", memory="32Mi", cpu_limit="1", memory_limit="256Mi")


class Login(pulumi.ComponentResource):
    """Secrets and settings of OAuth2-Proxy, and its container as a sidecar."""

    command_line: list[str]
    """OAuth2-Proxy's command line for browsers and programs."""

    attachment: pods.Attachment
    """Environment variables and volumes of OAuth2-Proxy for browsers and programs."""

    session_flows: Sequence[networks.Flow]
    """Connections of OAuth2-Proxy for browsers to the store of their sessions."""

    sidecar_flows: Sequence[networks.Flow]
    """Connections of the sidecar to that store; empty if the sidecar only verifies tokens, and so has no sessions."""

    sidecars: pods.Attachment
    """HAProxy and OAuth2-Proxy, in the order in which they start, and their volumes."""

    way: Outside
    """The way out of the cluster to the issuers and to `logout_url`."""

    user_header: str
    """Request header in which OAuth2-Proxy passes the caller's name to the server, replacing the client's own value."""

    passes_token: bool
    """True if OAuth2-Proxy passes the caller's token to the server."""

    audience: str
    """An accepted audience of service-account tokens, for programs that request a token."""

    ready: list[pulumi.Resource]
    """Resources that must exist before the container starts: OAuth2-Proxy reads the issuers' public keys only once, and
    ignores a failure."""

    metrics: bool
    """True if HAProxy and OAuth2-Proxy serve metrics."""

    def __init__(self, name: str, args: LoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Login", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        at_api_server = args.api_server_issuer or issuers.inside(args.service_account_issuer)
        secrets = login_secrets(
            name,
            client_secret=args.oidc.client_secret,
            others=args.sign_in.secret_files,
            rotation=args.session_rotation,
            namespace=args.namespace,
            opts=child,
        )
        authority_files, authorities = login_authorities(
            name,
            kubernetes=at_api_server,
            identity_provider=args.authority,
            company=args.company_authorities,
            namespace=args.namespace,
            opts=child,
        )
        pages = login_pages(name, args.sign_in.page, args.failure_page, namespace=args.namespace, opts=child)
        self.way = issuers.way_out(
            (None if args.oidc.inside else args.oidc.issuer, args.service_account_issuer, args.sign_in.logout_url),
            args.proxy,
        )
        files = pods.joined(secrets.attachment, authorities, pages, self.way.attachment)
        store = args.store
        self.attachment = files if store is None else pods.joined(files, store.attachment)
        self.session_flows = () if store is None else store.flows
        self.sidecar_flows = () if args.verifies_only else self.session_flows
        self.ready = [*secrets.ready, *(() if store is None else store.ready)]
        if at_api_server:
            self.ready.append(issuers.publish_keys(name, child))
        self.passes_token = args.pass_token
        self.metrics = args.metrics
        self.audience = args.service_account_audiences[0]
        self.user_header = args.sign_in.user_header
        self.command_line = arguments(args, authority_files=authority_files)
        if args.verifies_only:
            # It has no sessions, and so no way to the others' store.
            tokens_only = arguments(dataclasses.replace(args, store=None), authority_files=authority_files)
            sidecar, sidecar_files = container(args.image, verifying(tokens_only), files), files
        else:
            sidecar, sidecar_files = container(args.image, self.command_line, self.attachment), self.attachment
        # As a sidecar it starts before the server and stops after it, so that no request finds only one of them.
        sidecar.restart_policy = "Always"
        front = Front(
            f"{name}-front",
            FrontArgs(namespace=args.namespace, image=args.front_image, bounds=args.bounds, metrics=args.metrics),
            child,
        )
        self.sidecars = pods.joined(
            front.attachment, pods.Attachment(volumes=sidecar_files.volumes, init_containers=(sidecar,))
        )
        self.register_outputs({})

    def flows(self, *, controller: networks.IngressController, api_server: Sequence[str]) -> list[networks.Flow]:
        """Connections that a pod with OAuth2-Proxy opens to the issuers, to read their public keys.

        `api_server` contains the address ranges of the API server, as in `networks.api_server`.
        """
        return [
            # An identity provider behind this cluster's ingress controller: selected by the controller's pods, because
            # some network plugins never apply an address range to a pod. The controller's addresses are only where
            # it connects from: on nodes much else listens there.
            networks.Flow(peers=[networks.namespace(controller.namespace)], ports=networks.CONTROLLER_PORTS),
            networks.api_server(api_server),
            *self.way.flows,
        ]


def container(image: str, command_line: list[str], attachment: pods.Attachment) -> core.ContainerArgs:
    """The container of OAuth2-Proxy, with the environment variables and volume mounts that a `Login` attaches.

    It is probed through HAProxy, because the kubelet does not reach the pod's loopback.
    """
    return core.ContainerArgs(
        name="oauth2-proxy",
        image=image,
        command=["/bin/oauth2-proxy"],
        args=command_line,
        env=[*attachment.env] or None,
        resources=RESOURCES.to_args(),
        security_context=pods.container_security(),
        # OAuth2-Proxy exits while the identity provider is unavailable; five minutes are allowed.
        startup_probe=pods.http_probe("/ping", PROBE_PORT, period=2, failures=150),
        readiness_probe=pods.http_probe("/ping", PROBE_PORT, period=5, failures=2),
        liveness_probe=pods.http_probe("/ping", PROBE_PORT, period=15, failures=4),
        volume_mounts=[*attachment.mounts],
    )
