"""Wrong combinations of sizes, profiles and other settings."""

from tests.settings.cases import EXTERNAL, S3, Case

BASIC: dict[str, object] = {"kind": "basic", "users": {"alice@example.com": {}}}
SMALL: dict[str, object] = {"profile": "small", "login": BASIC}
INSIDE: dict[str, object] = {"kind": "in-cluster"}

CASES: dict[str, Case] = {
    "traces that are deleted before they would be archived": Case(
        {"retention": {"archiveDays": 30, "traceDays": 30}},
        "retention.traceDays",
        "deletes traces after 30 days, before they are archived after 30",
        "set retention.traceDays 31",
    ),
    "a team's traces that are deleted before they would be archived": Case(
        {"retention": {"archiveDays": 30}, "teams/team-a": {"retention": {"traceDays": 7}}},
        "teams.team-a.retention.traceDays",
        "deletes traces of team-a after 7 days, before they are archived after 30",
        "set teams.team-a.retention.traceDays 31",
    ),
    "more workers than the in-cluster database has connections for": Case(
        {"server/workers": 5, "server/memoryLimit": "3Gi"},
        "server.poolSize",
        "x workers 5 x (poolSize 20 + poolOverflow 10) + 3 for Jobs = 303 connections; expected at most 150",
        "set server.poolSize 14 and server.poolOverflow 0, or set database.maxConnections 310 and "
        'database.memoryLimit "5270Mi"',
        others=1,
    ),
    "a pool for one pod, and none for the one that replaces it": Case(
        {"server/poolSize": 80, "server/poolOverflow": 0},
        "server.poolSize",
        "(replicas 1 + 1 surge) x workers 1 x (poolSize 80 + poolOverflow 0) + 3 for Jobs = 163",
        "set server.poolSize 70",
        others=1,
    ),
    "a second replica for a small team's database": Case(
        {**SMALL, "server/replicas": 2},
        "server.poolSize",
        "= 123 connections; expected at most 90 (database.maxConnections, profile small)",
        "set server.replicas 1",
        others=1,
    ),
    "production's replicas with an evaluation's database": Case(
        {"database": {**INSIDE, "maxConnections": 150}},
        "server.poolSize",
        "(autoscaling.maxReplicas 4 + 1 surge) x workers 2 x (poolSize 15 + poolOverflow 5) + 3 for "
        "Jobs = 203 connections; expected at most 150",
        "set server.poolSize 14 and server.poolOverflow 0, or set database.maxConnections 210",
        base="prod",
    ),
    "more replicas than an external database has connections for": Case(
        {"server/replicas": 7, "server/autoscaling": None, "database": {**EXTERNAL, "maxConnections": 300}},
        "server.poolSize",
        "(replicas 7 + 1 surge) x workers 2 x (poolSize 15 + poolOverflow 5) + 3 for Jobs = 323 "
        "connections; expected at most 300 (database.maxConnections, stack file) - 7 reserved = 293",
        "set server.poolSize 15 and server.poolOverflow 3, or set server.replicas 6, or raise the database's own limit",
        base="prod",
    ),
    "a database with fewer connections than one request of each pool can hold": Case(
        {"database": {**EXTERNAL, "maxConnections": 20}},
        "server.poolSize",
        "expected at most 20 (database.maxConnections, stack file) - 7 reserved = 13",
        "raise the database's own limit, and set database.maxConnections 70",
    ),
    "a pool that one request can empty": Case(
        {"server/poolSize": 2, "server/poolOverflow": 1},
        "server.poolSize",
        "poolSize 2 + poolOverflow 1 = 3 connections; expected at least 4, which one request can hold at a time",
        "set server.poolSize 3",
    ),
    "connections that PostgreSQL has no memory for": Case(
        {"database": {**INSIDE, "maxConnections": 300}},
        "database.memoryLimit",
        "maxConnections 300 x 4 MiB + 28 searches at a time x 18 MiB) / 0.75 (the part without shared buffers) = "
        '2528MiB, found "1792Mi" (the default)',
        'set database.memoryLimit "2528Mi", or set database.maxConnections 162',
    ),
    "a small team's connections in too little memory": Case(
        {**SMALL, "database": {**INSIDE, "memoryLimit": "512Mi"}},
        "database.memoryLimit",
        "x 4 MiB + 36 searches at a time x 18 MiB) / 0.75 (the part without shared buffers) = 1600MiB",
        'set database.memoryLimit "1600Mi"',
    ),
    "more connections than PostgreSQL is good for": Case(
        {"database": {**INSIDE, "maxConnections": 5000}},
        "database.maxConnections",
        "a whole number from 20 to 2000, found 5000",
        "the nearest possible number is 2000",
    ),
    "a limit of connections for a file": Case(
        {"artifacts": {**INSIDE, "maxConnections": 100}},
        "artifacts.maxConnections",
        "is not a setting",
        "the key belongs to `database`",
    ),
    "less memory than idle processes and uploads take": Case(
        {"server/memory": "500Mi", "server/memoryLimit": "500Mi"},
        "server.memoryLimit",
        '190 MiB + workers 1 x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = 720 MiB, found "500Mi"',
        'set server.memoryLimit "720Mi"',
    ),
    "production's workers in an evaluation's memory": Case(
        {"server/memory": "900Mi", "server/memoryLimit": "900Mi"},
        "server.memoryLimit",
        '190 MiB + workers 2 x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = 1250 MiB, found "900Mi"',
        'set server.memoryLimit "1250Mi", or set server.workers 1',
        base="prod",
    ),
    "more workers than the profile has memory for": Case(
        {"server/workers": 4, "server/poolSize": 5},
        "server.memoryLimit",
        'workers 4 x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = 2310 MiB, found "1536Mi" (profile',
        'set server.memoryLimit "2310Mi", or set server.workers 2',
        base="prod",
    ),
    "a memory request above the profile's limit": Case(
        {"server/memory": "2Gi"},
        "server.memory",
        '"2Gi" is more than server.memoryLimit "1536Mi" (profile production)',
        "lower server.memory or raise server.memoryLimit",
        base="prod",
    ),
    "a CPU limit below the profile's request": Case(
        {"server/cpuLimit": "900m", "server/autoscaling": None},
        "server.cpu",
        '"1" (profile production) is more than server.cpuLimit "900m"',
        "lower server.cpu or raise server.cpuLimit",
        base="prod",
    ),
    "more replicas than the profile scales to": Case(
        {"server/replicas": 7},
        "server.autoscaling.maxReplicas",
        "expected more than server.replicas 7, the autoscaler's minimum; found 4 (profile production)",
        "set server.autoscaling.maxReplicas 8, or set server.autoscaling null",
        base="prod",
    ),
    "a CPU target that no pod reaches": Case(
        {"server/autoscaling": {"maxReplicas": 4, "cpuPercent": 250}},
        "server.autoscaling.cpuPercent",
        '250 % of server.cpu "1" (profile production) = 2.5 cores, which no pod reaches with server.cpuLimit "2" (the '
        "default)",
        "set server.autoscaling.cpuPercent 70",
        base="prod",
    ),
    "an autoscaler with more pods than the instance class has connections for": Case(
        {"server/autoscaling": {"maxReplicas": 20}},
        "server.poolSize",
        "(autoscaling.maxReplicas 20 + 1 surge) x workers 2 x (poolSize 15 + poolOverflow 5) + 3 "
        "for Jobs = 843 connections; expected at most 811 (database.instanceClass db.m7g.large) - 9 reserved = 802",
        "set server.poolSize 15 and server.poolOverflow 4, or set server.autoscaling.maxReplicas 18, or set "
        'database.instanceClass "db.m7g.xlarge"',
        base="prod",
    ),
    "an instance class with fewer connections than the server opens": Case(
        {"database/instanceClass": "db.t4g.small"},
        "server.poolSize",
        "= 203 connections; expected at most 202 (database.instanceClass db.t4g.small) - 9 reserved = 193",
        'or set database.instanceClass "db.t4g.medium"',
        base="prod",
    ),
    "more connections than a burstable family allows": Case(
        {"server/autoscaling": {"maxReplicas": 20}, "server/poolSize": 85, "database/instanceClass": "db.t4g.medium"},
        "server.poolSize",
        "= 3783 connections; expected at most 405 (database.instanceClass db.t4g.medium) - 9 reserved = 396",
        'or set database.instanceClass "db.m7g.4xlarge"',
        base="prod",
    ),
    "more connections than any instance class allows": Case(
        {"server/autoscaling": {"maxReplicas": 20}, "server/poolSize": 150},
        "server.poolSize",
        "= 6513 connections",
        "or raise the limit with database.maxConnections 6522 (the default is at most 5000 for every instance class)",
        base="prod",
    ),
    "a limit of its own below what an instance is asked for": Case(
        {"database/maxConnections": 200},
        "server.poolSize",
        "expected at most 200 (database.maxConnections, stack file) - 9 reserved = 191",
        "set server.poolSize 15 and server.poolOverflow 3",
        base="prod",
    ),
    "an unknown instance class": Case(
        {"database/instanceClass": "db.z1d.large"},
        "database.instanceClass",
        "connection limit of db.z1d.large is unknown",
        "add database.maxConnections",
        base="prod",
    ),
    "an autoscaler for a file that one pod has": Case(
        {"database": {"kind": "sqlite"}, "server/autoscaling": {"maxReplicas": 3}},
        "server.autoscaling",
        "several pods cannot share the volume of database.kind `sqlite`",
        "set server.autoscaling null",
    ),
    "an autoscaler for files on a volume that one pod has": Case(
        {"artifacts": {"kind": "volume"}, "server/autoscaling": {"maxReplicas": 3}, "server/poolSize": 7},
        "server.autoscaling",
        "several pods cannot share the volume of artifacts.kind `volume`",
        "set server.autoscaling null",
    ),
    "a single replica that has to stand apart": Case(
        {"server/spread": "required"},
        "server.spread",
        "`required` needs two or more replicas, but server.replicas is 1",
        "remove server.spread, or use two or more replicas",
    ),
    "no backups in production": Case(
        {"database/backupDays": 0},
        "database.backupDays",
        "must not be 0 with profile `production`",
        "keep backups",
        base="prod",
    ),
    "a database volume that its own log fills": Case(
        {"database/storage": "1Gi"},
        "database.storage",
        '1 GiB of write-ahead log + 1 GiB of data = 2 GiB, found "1Gi"',
        'set database.storage "2Gi"',
    ),
    "room for uploads below one body": Case(
        {"server/uploadSpace": "8Mi"},
        "server.uploadSpace",
        'server.workers 1 x 16 MiB per request body = 16 MiB, found "8Mi"',
        'set server.uploadSpace "16Mi"',
    ),
    "overcommitted memory of all teams": Case(
        {"cluster": {"capacity": {"memory": "100Gi"}}},
        "cluster.capacity.memory",
        "platform 4.75 GiB + teams' quotas 128 GiB = 132.8 GiB, cluster.capacity.memory is 100 GiB",
        'set workspaces.quota.memory "47Gi"',
    ),
    "overcommitted memory of one team": Case(
        {"cluster": {"capacity": {"memory": "150Gi"}}, "teams/team-a/quota": {"memory": "200Gi"}},
        "cluster.capacity.memory",
        "teams' quotas 264 GiB = 268.8 GiB, cluster.capacity.memory",
        "lower the quotas of individual teams",
    ),
    "overcommitted storage": Case(
        {"cluster": {"capacity": {"storage": "400Gi"}}},
        "cluster.capacity.storage",
        "platform 15 GiB + teams' quotas 400 GiB = 415 GiB, cluster.capacity.storage is 400 GiB",
        'set workspaces.quota.storage "192Gi"',
    ),
    "a cluster that the platform alone fills": Case(
        {"cluster": {"capacity": {"memory": "3Gi"}}},
        "cluster.capacity.memory",
        "platform 4.75 GiB",
        "use a larger cluster",
    ),
    "a capacity without a unit": Case(
        {"cluster": {"capacity": {"memory": 64}}}, "cluster.capacity.memory", "found 64", "a number and its unit"
    ),
    "development users for a small team": Case(
        {"profile": "small"},
        "login.kind",
        "`development` is not allowed with profile `small`",
        "use `basic` or `oidc`",
    ),
    "a profile of another name": Case(
        {"profile": "medium"}, "profile", "expected `evaluation` or `small` or `production`", "choose one of them"
    ),
    "passwords, an own certificate and a plain store in production": Case(
        {"login": BASIC, "artifacts": {**S3, "endpointUrl": "http://s3.example.com"}},
        "login.kind",
        "`basic` is not allowed with profile `production`",
        "use `oidc`",
        base="prod",
        others=1,
    ),
}
