"""Check of the locations in an MLflow before files are read there."""

from pathlib import Path

from mlflow.tracing.utils.artifact_utils import TRACE_DATA_FILE_NAME
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from tools.adopt import hosts


class Guard:
    """Checks locations of an MLflow: allowed are those in `places`, and at the hosts of its address and of `locations`."""

    def __init__(self, uri, locations, places):
        self._own = [uri] if uri.startswith("http") else []
        self._hosts = [uri, *(end for _, end in locations.moved)]
        # None for the platform: its own locations are not those of strangers.
        self._places = places

    def check(self, location):
        """Check that files at a location may be read.

        Raises:
            ValueError: they may not; the message says why, and what to do.
        """
        if self._places and location:
            hosts.check(location, self._hosts)
            self._places.check(location)

    def check_file(self, path):
        """Check that a file on this machine may be read, wherever links lead.

        Raises:
            ValueError: it may not; the message says why, and what to do.
        """
        if self._places:
            self._places.check_file(path)

    def check_trace(self, location):
        """Check a location with the file of a trace, which may be a link.

        Raises:
            ValueError: it may not be read; the message says why, and what to do.
        """
        self.check(location)
        if location and is_local_uri(location):
            self.check_file(Path(local_file_uri_to_path(location), TRACE_DATA_FILE_NAME))

    def may_list(self, repository, path):
        """False for a folder that is a link to a place outside; it is then reported as a file that cannot be read."""
        if hasattr(repository, "artifact_dir"):
            try:
                self.check_file(Path(repository.artifact_dir, path))
            except ValueError:
                return False
        return True

    def text(self):
        """The places whose files are read, for people."""
        return ", ".join([*self._own, self._places.text()])
