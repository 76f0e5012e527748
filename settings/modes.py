"""The two modes of a stack: with a server of its own, or with a tracking server that somebody else runs."""

from collections.abc import Mapping

from settings import outline, profiles
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings
from settings.types.values import SERVER_KINDS

AnySettings = Settings | ExternalSettings
KINDS = tuple(outline.choices(ExternalSettings.model_fields["server"]))
"""Values of `server.kind` in stacks without a server of their own."""


def model_of(document: Mapping[str, object]) -> type[Settings] | type[ExternalSettings]:
    """The model that a stack file's `server.kind` selects; a misspelt `server.kind` counts as the nearest known one."""
    kind = profiles.section(document, ["server"]).get("kind")
    near = outline.nearest(kind, SERVER_KINDS) if isinstance(kind, str) else []
    return ExternalSettings if near and near[0] in KINDS else Settings
