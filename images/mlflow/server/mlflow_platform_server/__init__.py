"""Additions to the MLflow server: a request guard, streaming of artifacts, and isolation of workspaces in the store.

`app.py` puts them together. A request passes, in this order:

`path_prefix.py`        removes the platform's URL path, if it has one
`audit.py`              records who did what, before the answer is sent (`named_objects.py`)
`errors.py`             replaces error texts that describe the inside of the platform (`driver_text.py`)
`routes.py`             answers 404 to what is not on the list of routes (`routes.toml`, `route_census.py`)
`concurrency.py`        limits how many requests a worker handles at once
`request_guard.py`      validates identity headers, strips credentials, limits body size (`request_identity.py`,
                        `known_identities.py`, `graphql.py`, `bodies.py`)
`no_team_page.py`       explains to people without a team why they see nothing
`admission.py`          binds the request to its caller and workspace (`scope.py`), and asks Kubernetes whether the
                        caller has any right there (`reviews.py`, `kubernetes_reviews.py`)
MLflow's Kubernetes authorization plugin
`agreement.py`          ends the request unless the plugin has decided for the same workspace (`plugin_decision.py`)
MLflow
`database_scope.py`     tells PostgreSQL the workspace in each transaction; its policies show no rows of others
`artifact_routes.py`    streams uploads and downloads of artifacts (`uploads.py`, `downloads.py`, `byte_ranges.py`)
`s3_artifacts.py`, `volume_artifacts.py`   the artifact stores; both ask `artifact_reach.py` about each location
                        (`object_keys.py`), and no others are made (`own_repositories.py`)

Nothing that lives longer than a request decides about one: `workspace_binding.py` replaces MLflow's places of the
workspace (`bound_workspace.py`), `process_state.py` guards the environment, `webhooks.py` reads
webhooks without a cache, and `state_census.py` compares other state with a reviewed list (`mutable_state.py`).
`collection_rules.py` makes the plugin refuse a search instead of filtering its result.

`identity_lists.py` reads who counts, `plugin_identity.py` tells the plugin, `driver_errors.py` keeps texts of the
database driver out of answers, and `graphql_errors.py` those of resolvers. `answers.py` writes refusals.
`model_stages.py` works around a bug of MLflow's. Modules that import neither MLflow nor its plugin have unit tests; the
others are tested end to end.
"""
