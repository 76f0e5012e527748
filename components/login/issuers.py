"""Issuers of tokens: the cluster's own, whose public keys the API server serves, and those outside of the cluster."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods
from components.kubernetes.http_proxy import HttpProxy, Outside, outside
from components.kubernetes.names import DOMAIN

rbac = k8s.rbac.v1

# The Service of the API server. With or without `.svc` and the cluster's domain, it is also a name in the API server's
# certificate. The issuers of kubeadm, kind and k3s end with the domain; that of OpenShift ends with `.svc`.
API_SERVER = "kubernetes.default"
IN_CLUSTER_ISSUER = f"https://{API_SERVER}.svc.{DOMAIN}"


def inside(issuer: str) -> bool:
    """True if an issuer's host is the Service of the API server, under any of its names."""
    host = urlsplit(issuer).hostname or ""
    return re.fullmatch(rf"{re.escape(API_SERVER)}(?:\.svc(?:\..+)?)?", host) is not None


def way_out(urls: Iterable[str | None], proxy: HttpProxy | None) -> Outside:
    """The way to those of the URLs that do not lead to the Service of the API server."""
    return outside([url for url in urls if url is not None and not inside(url)], proxy)


def publish_keys(name: str, opts: pulumi.ResourceOptions) -> rbac.ClusterRoleBinding:
    """A ClusterRoleBinding that lets OAuth2-Proxy read the public keys of service-account tokens.

    Kubernetes defines the ClusterRole; it grants access to public keys only.
    """
    group = "rbac.authorization.k8s.io"
    return rbac.ClusterRoleBinding(
        f"{name}-issuer-discovery",
        metadata=k8s.meta.v1.ObjectMetaArgs(labels=pods.labels("login")),
        role_ref=rbac.RoleRefArgs(api_group=group, kind="ClusterRole", name="system:service-account-issuer-discovery"),
        subjects=[rbac.SubjectArgs(api_group=group, kind="Group", name="system:unauthenticated")],
        opts=opts,
    )
