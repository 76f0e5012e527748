"""Sizes of the platform's own pods and connections, which the sums in settings/sizing include.

Imports nothing, so that the settings can be read without Pulumi's resource types, which take seconds to load.
"""

# New server pods that a rolling update starts before it stops an old one.
SURGE = 1
# Connections of the Jobs: the migration has one for its lock and one for its work, the Job that creates MLflow's role
# has one.
JOB_CONNECTIONS = 3
# Connections of PostgreSQL for superusers (3, superuser_reserved_connections), and for backups, monitoring and psql
# (4).
RESERVED_CONNECTIONS = 7
# Shared memory of parallel queries in PostgreSQL: the sessions of the owner and of administrators may have them. A
# container has 64 MiB otherwise, and a query that finds too little of it fails with DiskFull.
SHARED_MEMORY_MEBIBYTES = 128
# Memory limit of the artifact store. Measured: 420 MiB resident after 40 MiB of uploads, SeaweedFS 4.48.
STORE_MEMORY = "1Gi"
# Memory limit of the sidecar that sends PostgreSQL's backups. Measured: 57 MiB resident at rest, 200 MiB during a base
# backup of 576 MiB, barman-cloud 3.13.
BACKUP_MEMORY = "512Mi"
# Pods of HAProxy in front of a model with a challenger, and the limits of each; limits of a team's rollout of models.
SPLIT_PODS = 2
SPLIT_CPU, SPLIT_MEMORY = "500m", "128Mi"
ROLLOUT_CPU, ROLLOUT_MEMORY = "500m", "128Mi"


def threads(pool_size: int, pool_overflow: int) -> int:
    """Number of requests that a worker authorises or handles at once: half of its connections, after reserving one.

    A request that logs a batch holds two connections at once (`SqlAlchemyStore.log_batch`). If the batch also renames
    the run, the request takes up to four connections; such requests wait for connections only if all of them arrive at
    once. While a request is authorised, in as many threads as it is then handled in, it holds one connection at most,
    to look up the names of objects. One connection is reserved for the authorisation of uploads and downloads, which
    are not handled in these threads.
    """
    return max(1, (pool_size + pool_overflow - 1) // 2)
