"""Groups of sections in docs/configuration.md, each with an example of a stack file."""

import re
import textwrap
from dataclasses import dataclass

from settings.secrets import PROJECT


@dataclass(frozen=True, slots=True)
class Group:
    """Sections of the stack file that a reader looks for under one title, with an example."""

    title: str
    sections: tuple[str, ...]
    example: str
    """Content of `config:`. All examples together are one stack file without mistakes, which a test loads."""


GROUPS = (
    Group(
        "General",
        (),
        """
        profile: production
        host: mlflow.example.com
        namespace: mlflow
        """,
    ),
    Group(
        "Who signs in",
        ("login", "sessions"),
        """
        login:
          kind: oidc
          issuer: https://login.example.com/realms/company
          clientId: mlflow
          credentials:
            kind: secret
            name: mlflow-login
        sessions:
          hours: 8
        """,
    ),
    Group(
        "Who has access",
        ("teams", "workspaces", "access"),
        """
        teams:
          research:
            description: Research and prototypes
            groups:
              viewer: [auditors]
              manager: [research-leads]
            serviceAccounts: [airflow, jupyterhub/research]
            quota:
              memory: 128Gi
          pricing: {}
        workspaces:
          limits:
            memory: 4Gi
        access:
          contact: ml-platform@example.com
        """,
    ),
    Group(
        "The server",
        ("server", "images", "scheduling"),
        """
        server:
          image: registry.example.com/mlflow-platform/mlflow:3.17.2
          replicas: 3
          autoscaling:
            maxReplicas: 6
        images:
          registry: mirror.example.com/public
          pullSecrets: [mirror]
        scheduling:
          nodeSelector:
            example.com/pool: platform
          tolerations:
            - key: example.com/pool
              value: platform
              effect: NoSchedule
          priorityClass: platform
          labels:
            cost-center: "4711"
        """,
    ),
    Group(
        "Database",
        ("database",),
        """
        database:
          kind: external
          host: postgres.example.com
          maxConnections: 500
          credentials:
            kind: secret
            name: mlflow-database
          server:
            user: mlflow_server
            credentials:
              kind: secret
              name: mlflow-database-server
        """,
    ),
    Group(
        "Artifacts",
        ("artifacts",),
        """
        artifacts:
          kind: bucket
          noncurrentDays: 90
        """,
    ),
    Group(
        "Backups and old data",
        ("backups", "retention"),
        """
        backups:
          days: 14
          hour: 1
        retention:
          deletedDays: 60
          archiveDays: 30
          traceDays: 365
        """,
    ),
    Group(
        "Network and certificate",
        ("gateway", "console", "certificate", "cluster"),
        """
        gateway:
          kind: ingress
          path: /mlflow
        console:
          consoleLink: true
        certificate:
          kind: secret
          name: mlflow-tls
        cluster:
          ingressClass: traefik
          ingressNamespace: traefik
          apiServer: [10.0.0.1/32]
        """,
    ),
    Group(
        "Monitoring",
        ("monitoring",),
        """
        monitoring:
          metrics: service-monitor
          labels:
            release: kube-prometheus-stack
        """,
    ),
    Group(
        "Approval",
        ("approval",),
        """
        approval:
          interruptionSeconds: 60
          growthPercent: 50
        """,
    ),
    Group(
        "AWS",
        ("aws",),
        """
        aws:
          region: eu-central-1
          accountId: "123456789012"
          identity:
            kind: pod-identity
            clusterName: production
        """,
    ),
)


def example(group: Group) -> str:
    """A group's example as part of a stack file."""
    keys = re.sub(r"^(?=\w)", f"{PROJECT}:", textwrap.dedent(group.example).strip(), flags=re.MULTILINE)
    return "config:\n" + textwrap.indent(keys, "  ") + "\n"
