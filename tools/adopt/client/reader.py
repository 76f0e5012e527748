"""The process that reads the old MLflow, with the user's environment variables: `reader FOLDER LOCATION...`.

The address is in SOURCE.
"""

import logging
import os
import sys
import warnings
from pathlib import Path


def main():
    """Answer the calls of the process that started this one."""
    from tools.adopt.client.link import own_pipes, serve

    calls, answers = own_pipes()
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from tools.adopt.client.sources import opened
    from tools.adopt.origin import Locations, parse

    folder, *locations = sys.argv[1:]
    source = os.environ["SOURCE"]
    logging.disable(logging.WARNING)
    serve(_Opening(lambda: opened(parse(source, Path.cwd()), Locations.parse(locations), Path(folder))), calls, answers)


class _Opening:
    """The content, opened by the first call: so its failure is an answer."""

    def __init__(self, how):
        self._how = how
        self._content = None

    def open(self):
        """Open it."""
        self._content = self._how()
        return self._content.uri

    def __getattr__(self, name):
        return getattr(self._content, name)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
