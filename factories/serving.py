"""Creation of the teams' model servers."""

from collections.abc import Mapping

from components.kubernetes.pods import Resources
from components.serving.served_model import Model, Part
from components.serving.serving import Serving, ServingArgs
from components.team.workspace import Workspace
from factories.context import Context
from factories.scheduling import scheduling
from settings.schema import serving as schema


def serving(context: Context, workspaces: Mapping[str, Workspace]) -> None:
    """The model servers of each team that serves models; an archived team serves none."""
    for name, team in context.settings.teams.items():
        if team.serving and not team.archived:
            Serving(
                f"{name}-serving",
                ServingArgs(
                    team=name,
                    namespace=workspaces[name].namespace,
                    models={served: _model(context, name, model) for served, model in team.serving.items()},
                    workspace=workspaces[name],
                    client_settings=workspaces[name].client_settings,
                    team_namespaces={other: workspace.namespace for other, workspace in workspaces.items()},
                    scheduling=scheduling(context.settings.team(name).scheduling),
                    rollout_image=context.image(context.settings.server.image),
                    split_image=context.image(context.settings.images.haproxy),
                    audience=context.settings.audience,
                    domain=context.settings.cluster.domain,
                    api_server=context.settings.cluster.api_server,
                ),
                context.opts,
            )


def _model(context: Context, team: str, model: schema.ServedModel) -> Model:
    challenger = model.challenger
    share = challenger.share if challenger else 0
    return Model(
        inference_service=model.kind == "kserve",
        model=model.model,
        champion=Part(alias=model.alias, replicas=model.replicas, share=100 - share),
        challenger=Part(alias=challenger.alias, replicas=challenger.replicas, share=share) if challenger else None,
        image=context.image(model.image),
        pull_secrets=model.pull_secrets,
        scheduling=scheduling(context.settings.team(team).scheduling),
        resources=Resources(
            cpu=model.cpu, memory=model.memory, cpu_limit=model.cpu_limit, memory_limit=model.memory_limit
        ),
        model_space=model.model_space,
        start_seconds=model.start_seconds,
        namespaces=model.namespaces,
    )
