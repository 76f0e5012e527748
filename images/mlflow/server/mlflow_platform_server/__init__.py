"""Additions to the MLflow server: a request guard, streaming of artifacts, and isolation of workspaces in the store.

`app.py` puts them together. A request passes, in this order:

`path_prefix.py`        removes the platform's URL path, if it has one
`concurrency.py`        limits how many requests a worker handles at once
`request_guard.py`      validates identity headers, strips credentials, limits body size (`request_identity.py`,
                        `graphql.py`, `bodies.py`)
`no_team_page.py`       explains to people without a team why they see nothing
MLflow and its Kubernetes authorization plugin
`artifact_routes.py`    streams uploads and downloads of artifacts (`uploads.py`, `downloads.py`, `byte_ranges.py`)
`s3_artifacts.py`, `volume_artifacts.py`   the artifact stores; both check the workspace (`object_keys.py`)

`model_stages.py` works around a bug of MLflow's. Modules that import neither MLflow nor its plugin have unit tests;
the others are tested end to end.
"""
