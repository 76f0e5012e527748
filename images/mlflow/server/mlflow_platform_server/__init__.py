"""Additions to the MLflow server: a request guard, streaming of artifacts, and isolation of workspaces.

`app.py` puts them together. A request passes, in this order:

`draining.py`           receives the rest of a refused request's body before the answer is sent
`path_prefix.py`        removes the platform's URL path, if it has one
`audit.py`              records who did what, before the answer is sent (`named_objects.py`)
`loop_watch.py`         measures the delay of the event loop (`loop_delay.py`), ends a worker whose loop is stuck
                        (`watchdog.py`)
`errors.py`             replaces error texts that describe the inside of the platform (`driver_text.py`)
`routes.py`             answers 404 to what is not on the list of routes (`routes.toml`, `route_census.py`)
`concurrency.py`        limits how many requests a worker handles at once
`request_guard.py`      validates identity headers, strips credentials (`request_identity.py`, `known_identities.py`)
`no_team_page.py`       explains to people without a team why they see nothing
`admission.py`          binds the request to its caller and workspace (`scope.py`), and asks Kubernetes whether the
                        caller has any right there (`reviews.py`, `kubernetes_reviews.py`)
`bodies.py`             reads the body within bounds (`body_rules.py`, `room.py`, `decompression.py`, `json_bounds.py`,
                        `json_traces.py`, `protobuf_bounds.py`, `graphql_bounds.py`)
MLflow's Kubernetes authorization plugin, in threads (`plugin_threads.py`, `off_loop.py`)
`agreement.py`          refuses the request unless the plugin decided for the same workspace and caller (`plugin.py`)
`webhook_tests.py`      waits for the receiver of a webhook that is tested, without a thread
MLflow

MLflow's own code then meets

`database_scope.py`     names the workspace to PostgreSQL in each transaction; row-level security hides all other rows
`artifact_routes.py`    streams uploads and downloads of artifacts (`uploads.py`, `downloads.py`, `outflow.py`,
                        `byte_ranges.py`), within the shares of memory and threads that teams have (`transfers.py`,
                        `shares.py`, `store_calls.py`); `transfer_refusals.py` answers those that get none
`s3_artifacts.py`, `volume_artifacts.py`   the artifact stores; both ask `artifact_reach.py` about each location
                        (`object_keys.py`); `own_repositories.py` makes MLflow refuse all other stores, and
                        `imported_files.py` explains why files are missing that another MLflow server has
`trace_routes.py`       takes traces of OpenTelemetry in a handler's thread
`webhooks.py`           reads webhooks in the workspace of the request, sends to listed hosts (`webhook_addresses.py`)
                        in threads of its own (`webhook_queue.py`), in a bounded time (`webhook_client.py`); reads
                        those whose secret is lost, and does not send them (`webhook_secrets.py`)
`process_state.py`      makes MLflow use the workspace of the request only; no request may change the environment
`collection_rules.py`   makes the plugin refuse a search instead of filtering its result
`driver_errors.py`      keeps texts of the database driver out of answers
`graphql_errors.py`     keeps texts of unexpected errors out of GraphQL's answers
`assessment_ids.py`     makes the IDs of assessments, instead of their clients
`model_stages.py`       works around a bug of MLflow's

`asgi.py` has the types of ASGI, `answers.py` and `refusals.py` write refusals, `open_paths.py` lists the paths that
need no identity, `identity_lists.py` reads the names that count for access, and `plugin.py` makes the plugin respect
them.
`route_census.py` and `state_census.py` (`mutable_state.py`) fail the image's build if MLflow has a route, or state of
the process, that is not on their lists. Modules that import neither MLflow nor its plugin have unit tests; the others
are tested end to end.
"""
