"""Access of a schema migration's Job to the result of the last proof of the backups.

The status of the proofs' CronJob says when a proof last succeeded. The Job may read only this object in Kubernetes. It
gets neither the access key of the backups nor their content.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods, volumes

core = k8s.core.v1
rbac = k8s.rbac.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Settings with which a Job reads the result."""

    account: pulumi.Output[str]
    """Name of the Job's service account."""

    attachment: pods.Attachment
    """Token of the service account, and the name of the CronJob."""

    flow: networks.Flow
    """Connection to the API server."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before the Job reads the result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The CronJob of the proofs, and where a Job asks for its status."""

    cron_job: str
    api_server: Sequence[str]
    """Address ranges of the API server."""

    def access(self, name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Access:
        """A service account that may read the CronJob, and nothing else."""
        metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace)
        account = core.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=opts
        )
        role = rbac.Role(
            f"{name}-role",
            metadata=metadata,
            rules=[
                rbac.PolicyRuleArgs(
                    api_groups=["batch"], resources=["cronjobs"], resource_names=[self.cron_job], verbs=["get"]
                )
            ],
            opts=opts,
        )
        binding = rbac.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name),
            subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=namespace)],
            opts=opts,
        )
        return Access(
            account=account.metadata.name,
            attachment=pods.joined(
                pods.Attachment(env=(core.EnvVarArgs(name="PROOF_CRON_JOB", value=self.cron_job),)),
                volumes.token("kubernetes", volumes.TOKEN_FOLDER, audience=None),
            ),
            flow=networks.api_server(self.api_server),
            ready=(binding,),
        )
