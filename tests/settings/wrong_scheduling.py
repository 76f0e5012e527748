"""Nodes, tolerations, labels and image pull policies that pods cannot have."""

from tests.settings.cases import Case

RESERVED = "names with that prefix are reserved"
FRAUD: dict[str, object] = {"model": "fraud", "image": "registry.example.com/fraud:1.0"}


def tolerated(**toleration: object) -> dict[str, object]:
    """A stack with one toleration."""
    return {"scheduling": {"tolerations": [toleration]}}


CASES = {
    "a toleration with two answers about the value": Case(
        tolerated(key="pool", operator="Exists", value="platform"),
        "scheduling.tolerations[0].value",
        'has no effect with operator `Exists`, which tolerates any value; found "platform"',
        "operator: Equal",
    ),
    "a toleration of no taint in particular": Case(
        tolerated(value="platform"), "scheduling.tolerations[0].key", "is missing", "operator: Exists"
    ),
    "an eviction that the effect does not know": Case(
        tolerated(key="pool", operator="Exists", effect="NoSchedule", tolerationSeconds=60),
        "scheduling.tolerations[0].tolerationSeconds",
        "is only possible with effect `NoExecute`",
        "effect: NoExecute",
    ),
    "an eviction without an effect": Case(
        tolerated(key="pool", operator="Exists", tolerationSeconds=60),
        "scheduling.tolerations[0].tolerationSeconds",
        "is only possible with effect `NoExecute`",
        "effect: NoExecute",
    ),
    "an effect that no taint has": Case(
        tolerated(key="pool", operator="Exists", effect="noschedule"),
        "scheduling.tolerations[0].effect",
        "expected `NoSchedule` or `PreferNoSchedule` or `NoExecute`",
        "did you mean `NoSchedule`?",
    ),
    "a key that no toleration has": Case(
        tolerated(key="pool", operator="Exists", seconds=5),
        "scheduling.tolerations[0].seconds",
        "is not a setting",
        "use one of effect, key, operator, tolerationSeconds, value",
    ),
    "a toleration as kubectl writes taints": Case(
        {"scheduling": {"tolerations": ["pool=platform:NoSchedule"]}},
        "scheduling.tolerations[0]",
        "expected a mapping, found a string",
        "write the mapping's keys",
    ),
    "a node label with a space": Case(
        {"scheduling": {"nodeSelector": {"node pool": "platform"}}},
        'scheduling.nodeSelector["node pool"]',
        "expected the name of a label",
        "at most 63 letters",
    ),
    "a number as the value of a label": Case(
        {"scheduling": {"labels": {"cost-center": 4711}}},
        "scheduling.labels.cost-center",
        "expected the value of a label",
        'write it in quotes: "4711"',
    ),
    "a label of the platform's own": Case(
        {"scheduling": {"labels": {"app.kubernetes.io/name": "mlflow"}}},
        'scheduling.labels["app.kubernetes.io/name"]',
        "that neither Kubernetes nor the platform uses",
        RESERVED,
    ),
    "a label that selects pods of a served model": Case(
        {"scheduling": {"labels": {"mlflow-platform/served-model": "fraud"}}},
        'scheduling.labels["mlflow-platform/served-model"]',
        "that neither Kubernetes nor the platform uses",
        RESERVED,
    ),
    "the label of workspaces on pods": Case(
        {"scheduling": {"labels": {"mlflow-enabled": "true"}}},
        "scheduling.labels.mlflow-enabled",
        "is the label in workspaces.label",
        "remove it",
    ),
    "another label of workspaces on a team's pods": Case(
        {
            "workspaces": {"label": "example.com/mlflow=yes"},
            "teams/team-a/scheduling": {"labels": {"example.com/mlflow": "no"}},
        },
        'teams.team-a.scheduling.labels["example.com/mlflow"]',
        "is the label in workspaces.label",
        "remove it",
    ),
    "an annotation that is a setting of security": Case(
        {"scheduling": {"annotations": {"container.apparmor.security.beta.kubernetes.io/mlflow": "unconfined"}}},
        'scheduling.annotations["container.apparmor.security.beta.kubernetes.io/mlflow"]',
        "that neither Kubernetes nor the platform uses",
        "only those with the prefix cluster-autoscaler.kubernetes.io/",
    ),
    "a priority above everything": Case(
        {"scheduling": {"priorityClass": "system-cluster-critical"}},
        "scheduling.priorityClass",
        "expected the name of a PriorityClass",
        "for Kubernetes' own pods in kube-system",
    ),
    "images that no node has": Case(
        {"scheduling": {"imagePullPolicy": "Never"}},
        "scheduling.imagePullPolicy",
        "`Never` runs only images that are on every node already, but server.image comes from a registry",
        "IfNotPresent",
        base="prod",
    ),
    "an image that no registry has": Case(
        {"scheduling": {"imagePullPolicy": "Always"}},
        "scheduling.imagePullPolicy",
        'but server.image "localhost/mlflow-platform/mlflow:3.17.2" is in none',
        "remove scheduling.imagePullPolicy",
    ),
    "a model's image that no node has": Case(
        {
            "teams/team-a": {"serving": {"fraud": FRAUD}, "scheduling": {"imagePullPolicy": "Never"}},
            "cluster": {"apiServer": ["10.0.0.1/32"]},
        },
        "teams.team-a.scheduling.imagePullPolicy",
        "but teams.team-a.serving.fraud.image comes from a registry",
        "IfNotPresent",
    ),
    "a misspelt policy": Case(
        {"scheduling": {"imagePullPolicy": "ifnotpresent"}},
        "scheduling.imagePullPolicy",
        "expected `Always` or `IfNotPresent` or `Never`",
        "did you mean `IfNotPresent`?",
    ),
    "the label of workspaces on a namespace": Case(
        {"teams/team-a/namespaceLabels": {"mlflow-enabled": "false"}},
        "teams.team-a.namespaceLabels.mlflow-enabled",
        "is the label in workspaces.label",
        "remove it",
    ),
    "another Pod Security level": Case(
        {"teams/team-a/namespaceLabels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        'teams.team-a.namespaceLabels["pod-security.kubernetes.io/enforce"]',
        "that neither Kubernetes nor the platform uses",
        RESERVED,
    ),
    **{
        f"the label {name}": Case(
            {"teams/team-a/namespaceLabels": {name: "x"}},
            f'teams.team-a.namespaceLabels["{name}"]',
            "that neither Kubernetes nor the platform uses",
            RESERVED,
        )
        for name in (
            "field.cattle.io/projectId",
            "cattle.io/creator",
            "openshift.io/run-level",
            "security.openshift.io/scc",
            "k8s.v1.cni.cncf.io/networks",
            "iam.amazonaws.com/permitted",
            "cluster.x-k8s.io/cluster-name",
            "io.kubernetes.pod.namespace",
        )
    },
    "an annotation of MLflow's": Case(
        {"teams/team-a/namespaceAnnotations": {"mlflow.kubeflow.org/workspace-description": "another"}},
        'teams.team-a.namespaceAnnotations["mlflow.kubeflow.org/workspace-description"]',
        "that neither Kubernetes nor the platform uses",
        "only those with the prefix scheduler.alpha.kubernetes.io/",
    ),
}
