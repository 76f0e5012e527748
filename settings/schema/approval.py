"""The section `approval`."""

from typing import Annotated

from settings.schema.base import Model
from settings.types.kinds import whole


class Approval(Model):
    """Limits within which a change needs no approval (docs/pull-requests.md)."""

    interruption_seconds: Annotated[int, whole(0, 86_400)] = 0
    """Longest interruption, in seconds. An interruption that does not end by itself always needs approval."""

    growth_percent: Annotated[int, whole(0, 10_000)] = 20
    """Largest growth of requested CPU, memory or storage, in percent."""
