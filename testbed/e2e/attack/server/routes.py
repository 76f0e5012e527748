"""Run in the server's container: the route table of the application that serves there, as JSON.

The application is made anew, without a request: it reads the same environment and opens no database.
"""

import json
import warnings

warnings.simplefilter("ignore")

from mlflow_platform_server import route_census, routes  # noqa: E402 - MLflow warns when it is imported

own = routes.read(routes.FILE.read_text(encoding="utf-8")).own
print(json.dumps(sorted(route_census.served() | own)))
