"""The proof of the backups that a schema migration asks for, and the right to ask.

The CronJob of the proofs says when one last succeeded. That object is all that the Job may read in Kubernetes: it gets
neither the key of the backups nor their content.
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
    """Needs of a Job that asks."""

    account: pulumi.Output[str]
    """Name of its service account."""

    attachment: pods.Attachment
    """Token of the service account, and the name of the CronJob."""

    flow: networks.Flow
    """Connection to the API server."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before it asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The CronJob of the proofs."""

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
