"""The section `retention`, and its differences for one team."""

from typing import Annotated

from settings.schema.base import Model
from settings.types.kinds import whole

# Ten years.
MOST_DAYS = 3650


class Retention(Model):
    """Ages in days after which a CronJob deletes data for good, or archives it; 0 means never."""

    deleted_days: Annotated[int, whole(0, MOST_DAYS)] = 0
    """Days after which a deleted run, experiment or logged model is deleted for good, with its files. Until then it can
    be restored in MLflow. Runs and logged models are kept if a version of a registered model was made from them.
    """

    trace_days: Annotated[int, whole(0, MOST_DAYS)] = 0
    """Days after which a trace is deleted."""

    archive_days: Annotated[int, whole(0, MOST_DAYS)] = 0
    """Days after which the spans of a trace move from the database to the artifact store. MLflow still shows them, but
    no longer finds the trace by the content of its spans."""

    hour: Annotated[int, whole(0, 23)] = 3
    """The CronJob starts at 30 minutes past this hour, in UTC."""

    @property
    def applies(self) -> bool:
        """True if data is deleted or archived at some age."""
        return any((self.deleted_days, self.trace_days, self.archive_days))


class TeamRetention(Model):
    """Differences from `retention` for one team."""

    deleted_days: Annotated[int, whole(0, MOST_DAYS)] | None = None
    """Overrides `retention.deletedDays`."""

    trace_days: Annotated[int, whole(0, MOST_DAYS)] | None = None
    """Overrides `retention.traceDays`."""

    archive_days: Annotated[int, whole(0, MOST_DAYS)] | None = None
    """Overrides `retention.archiveDays`."""
