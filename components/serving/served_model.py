"""A registered model that is served: its servers, their Services, and who may send requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.names import DOMAIN, service_host
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.serving import kserve
from components.serving.contract import MODEL_SERVER, NO_WAIT, Target
from components.serving.model_server import PORT, ModelServer, ModelServerArgs
from components.serving.split import NAME as SPLIT
from components.serving.split import Split, SplitArgs

core = k8s.core.v1

# Label of all pods of a served model, HAProxy's among them.
SERVED = "mlflow-platform/served-model"
# Label of the pods of one of its aliases.
PART = "mlflow-platform/served-as"
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """An alias of a served model, and its share of the requests."""

    alias: str
    replicas: int
    share: int
    """Share of the requests, in percent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model and the pods that serve it; `teams.*.serving` in the stack file."""

    inference_service: bool
    """True for an InferenceService of KServe in place of a Deployment and a Service."""

    model: str
    """Name of the registered model."""

    champion: Part
    challenger: Part | None
    image: str
    pull_secrets: Sequence[str]
    """Names of image pull Secrets in the team's namespace."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    resources: pods.Resources
    model_space: str
    start_seconds: int
    namespaces: Sequence[str]
    """Namespaces whose pods may send requests, besides the team's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedModelArgs:
    """Input of `ServedModel`."""

    team: str
    """Name of the team's namespace."""

    namespace: pulumi.Input[str]
    served: str
    """Name of the Service."""

    model: Model
    account: pulumi.Input[str]
    """Service account of the pods."""

    audience: str
    domain: str = DOMAIN
    """The cluster's DNS domain."""

    split_image: str
    team_namespaces: Mapping[str, pulumi.Input[str]]
    """Namespaces of all teams by name. Their pods are denied all egress by default, so a team that may send requests
    gets a NetworkPolicy too."""

    ready: Sequence[pulumi.Resource]
    """Resources that must exist before the pods start."""


def labels(served: str, part: str) -> dict[str, str]:
    """Labels of the pods of one alias of a served model."""
    return {**pods.labels(MODEL_SERVER), SERVED: served, PART: part}


def split_labels(served: str) -> dict[str, str]:
    """Labels of HAProxy's pods in front of a served model."""
    return {**pods.labels(SPLIT), SERVED: served}


class ServedModel(pulumi.ComponentResource):
    """The servers of a model: one for each alias, and HAProxy in front of two."""

    targets: list[Target]
    """The servers, for the team's rollout."""

    def __init__(self, name: str, args: ServedModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ServedModel", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = self._admit(name, args)
        champion = _server(args, CHAMPION, args.model.champion, network)
        challenger = args.model.challenger
        if args.model.inference_service:
            self.targets = [kserve.inference_service(name, champion, child)]
        else:
            self.targets = [ModelServer(f"{name}-{CHAMPION}", champion, child).target]
            front, pods_in_front = list[pulumi.Resource](), labels(args.served, CHAMPION)
            if challenger is not None:
                server = _server(args, CHALLENGER, challenger, network)
                self.targets.append(ModelServer(f"{name}-{CHALLENGER}", server, child).target)
                shares = {CHAMPION: args.model.champion.share, CHALLENGER: challenger.share}
                front, pods_in_front = self._split(name, args, shares), split_labels(args.served)
            self._service(f"{name}-service", args.served, args.namespace, pods_in_front, front)
        self.register_outputs({})

    def _admit(self, name: str, args: ServedModelArgs) -> pulumi.Resource:
        """NetworkPolicies that let callers reach the model, in its namespace and in those of other teams."""
        child = pulumi.ResourceOptions(parent=self)
        there = networks.Flow(peers=[networks.namespace(args.namespace, {SERVED: args.served})], ports=[PORT])
        for caller in dict.fromkeys(args.model.namespaces):
            if caller in args.team_namespaces:
                # With dots, which the names of models and teams do not have: so no two resources have the same name.
                networks.open_flows(
                    f"{name}.from.{caller}", args.team_namespaces[caller], to_pods={}, egress=[there], opts=child
                )
        peers = [networks.pods({}), *map(networks.namespace, args.model.namespaces)]
        return networks.open_flows(
            name,
            args.namespace,
            to_pods={SERVED: args.served},
            ingress=[networks.Flow(peers=peers, ports=[PORT])],
            opts=child,
        )

    def _split(self, name: str, args: ServedModelArgs, shares: Mapping[str, int]) -> list[pulumi.Resource]:
        """Create HAProxy in front of both aliases; returns resources that exist once HAProxy answers."""
        services = {
            role: self._service(
                f"{name}-{role}-service", f"{args.served}-{role}", args.namespace, labels(args.served, role), []
            )
            for role in shares
        }
        split = Split(
            f"{name}-split",
            SplitArgs(
                namespace=args.namespace,
                name=args.served,
                labels=split_labels(args.served),
                image=args.split_image,
                pull_secrets=args.model.pull_secrets,
                scheduling=args.model.scheduling,
                weights={
                    service_host(f"{args.served}-{role}", args.team, args.domain): shares[role] for role in shares
                },
                ready=[*services.values()],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return split.ready

    def _service(
        self,
        resource: str,
        name: str,
        namespace: pulumi.Input[str],
        selector: Mapping[str, str],
        ready: list[pulumi.Resource],
    ) -> core.Service:
        """A Service with port 80; a change of its selector waits for the resources in `ready`."""
        return core.Service(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=name, annotations=NO_WAIT),
            spec=core.ServiceSpecArgs(
                selector=selector, ports=[core.ServicePortArgs(name="http", port=80, target_port=PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )


def _server(args: ServedModelArgs, role: str, part: Part, network: pulumi.Resource) -> ModelServerArgs:
    """The server of one alias."""
    return ModelServerArgs(
        namespace=args.namespace,
        server=args.served if role == CHAMPION else f"{args.served}-{role}",
        labels=labels(args.served, role),
        model=args.model.model,
        alias=part.alias,
        image=args.model.image,
        pull_secrets=args.model.pull_secrets,
        scheduling=args.model.scheduling,
        account=args.account,
        audience=args.audience,
        replicas=part.replicas,
        resources=args.model.resources,
        model_space=args.model.model_space,
        start_seconds=args.model.start_seconds,
        ready=[*args.ready, network],
    )
