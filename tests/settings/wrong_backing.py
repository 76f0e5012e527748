"""Wrong combinations of the database, the artifact store and their credentials."""

from components.exposure.certificate import authority_certificate
from tests.settings.cases import Case

AUTHORITY = authority_certificate(b"seed", "example.com")
EXTERNAL: dict[str, object] = {"kind": "external", "host": "postgres.example.com"}
S3: dict[str, object] = {"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"}
AWS: dict[str, object] = {"kind": "s3", "bucket": "artifacts", "region": "eu-central-1"}
ROLE = "arn:aws:iam::123456789012:role/mlflow"

CASES = {
    "access keys of a volume": Case(
        {"artifacts": {"kind": "volume"}, "teams": {"team-a": {"directAccess": True}, "team-b": {}}},
        "teams.team-a.directAccess",
        "needs an S3 store, but artifacts.kind is `volume`",
        "remove teams.team-a.directAccess",
    ),
    "checksums that Google Cloud Storage refuses": Case(
        {"artifacts": {**S3, "endpointUrl": "https://storage.googleapis.com"}},
        "artifacts.checksums",
        "refuses uploads with S3's additional checksums",
        "set artifacts.checksums false",
    ),
    "Azure's storage as an S3 store": Case(
        {"artifacts": {**S3, "endpointUrl": "https://company.blob.core.windows.net"}},
        "artifacts.endpointUrl",
        "is Azure Blob Storage, which has no S3 interface",
        "use a store with an S3 interface",
    ),
    "a folder with its bucket": Case(
        {"artifacts": {**S3, "prefix": "s3://artifacts/mlflow-artifacts/"}},
        "artifacts.prefix",
        "expected a folder of a bucket",
        "write only the folder, without bucket and without slashes around it: mlflow-artifacts",
    ),
    "a folder that leads out of the bucket": Case(
        {"artifacts": {**S3, "prefix": "../other"}},
        "artifacts.prefix",
        "expected a folder of a bucket",
        "write at most 200 letters",
    ),
    "a generated password without an administrator": Case(
        {"database": {**EXTERNAL, "credentials": {"kind": "generated"}}},
        "database.credentials.kind",
        "`generated` needs database.administrator",
        "add database.administrator",
    ),
    "MLflow as its own administrator": Case(
        {"database": {**EXTERNAL, "administrator": {"user": "mlflow"}}},
        "database.administrator.user",
        "is the same as database.user",
        "use another role for MLflow",
    ),
    "the owner as the server's role": Case(
        {"database": {**EXTERNAL, "server": {"user": "mlflow"}}},
        "database.server.user",
        "is the same as database.user",
        "use another role",
    ),
    "a role for the server beside an administrator who creates one": Case(
        {"database": {**EXTERNAL, "administrator": {"user": "postgres"}, "server": {"user": "app"}}},
        "database.server",
        "is not used",
        "remove it",
    ),
    "the server as its own replica": Case(
        {"database": {**EXTERNAL, "replica": {"host": EXTERNAL["host"]}}},
        "database.replica.host",
        "is the same server as database.host",
        "use the replica's host name, or remove database.replica",
    ),
    "a replica with fewer connections than the pools": Case(
        {"database": {**EXTERNAL, "replica": {"host": "replica.example.com", "maxConnections": 20}}},
        "database.replica.maxConnections",
        "expected at least",
        "raise the replica's own limit, and set database.replica.maxConnections",
    ),
    "a role whose name leaves no room for the server's": Case(
        {"database": {**EXTERNAL, "administrator": {"user": "postgres"}, "user": "m" * 57}},
        "database.user",
        "would have more than PostgreSQL's 63",
        "use a name of at most 56 characters",
    ),
    "an administrator without a name": Case(
        {"database": {**EXTERNAL, "administrator": {}}},
        "database.administrator.user",
        "is missing; expected the name of a PostgreSQL role",
        "add `user:` to `database.administrator`",
    ),
    "the administrator's password among the settings": Case(
        {"database": {**EXTERNAL, "administrator": {"user": "postgres", "password": "hunter2"}}},
        "database.administrator.password",
        "must not contain a secret",
        "run `pulumi config set --secret databaseAdministratorPassword --stack dev`",
    ),
    "the role's password beside its source": Case(
        {"database": {**EXTERNAL, "credentials": {"kind": "configuration", "password": "hunter2"}}},
        "database.credentials.password",
        "must not contain a secret",
        "run `pulumi config set --secret databasePassword --stack dev`",
    ),
    "a source of credentials that is none": Case(
        {"database": {**EXTERNAL, "credentials": {"kind": "vault"}}},
        "database.credentials.kind",
        "expected `configuration` or `secret` or `external-secret` or `generated`",
        "choose one of them",
    ),
    "a Secret without a name": Case(
        {"database": {**EXTERNAL, "credentials": {"kind": "secret"}}},
        "database.credentials.name",
        "is missing; expected the name of a Kubernetes object",
        "add `name:`",
    ),
    "a secret store that is none": Case(
        {
            "database": {
                **EXTERNAL,
                "credentials": {"kind": "external-secret", "store": "vault", "storeKind": "Vault", "key": "mlflow"},
            }
        },
        "database.credentials.storeKind",
        "expected `ClusterSecretStore` or `SecretStore`",
        "choose one of them",
    ),
    "a password in the stack file and in a Secret": Case(
        {
            "database": {**EXTERNAL, "credentials": {"kind": "secret", "name": "mlflow-database"}},
            "databasePassword": "hunter2",
        },
        "databasePassword",
        "found database.credentials.kind `secret`",
        "run `pulumi config rm databasePassword --stack dev`",
        encrypted=("databasePassword",),
    ),
    "a password of an administrator who is not there": Case(
        {"database": EXTERNAL, "databaseAdministratorPassword": "hunter2"},
        "databaseAdministratorPassword",
        "found no database.administrator",
        "run `pulumi config rm databaseAdministratorPassword --stack dev`",
        encrypted=("databaseAdministratorPassword",),
    ),
    "a missing password of the administrator": Case(
        {"database": {**EXTERNAL, "administrator": {"user": "postgres"}}},
        "databaseAdministratorPassword",
        "is missing; database.kind `external` with database.administrator.credentials.kind `configuration` needs it",
        "run `pulumi config set --secret databaseAdministratorPassword --stack dev`",
    ),
    "a key in a Secret that is none": Case(
        {"database": {**EXTERNAL, "credentials": {"kind": "secret", "name": "db", "key": "pass word"}}},
        "database.credentials.key",
        "expected a key in a Secret",
        "docs/configuration.md",
    ),
    "a role of AWS for another store": Case(
        {"artifacts": {**S3, "credentials": {"kind": "workload-identity", "roleArn": ROLE}}},
        "artifacts.credentials.kind",
        "`workload-identity` works only at AWS",
        "use an access key, or remove artifacts.endpointUrl",
    ),
    "a role of AWS by its name": Case(
        {"artifacts": {**AWS, "credentials": {"kind": "workload-identity", "roleArn": "mlflow"}}},
        "artifacts.credentials.roleArn",
        "expected the ARN of an IAM role",
        "docs/configuration.md",
    ),
    "an authority of AWS": Case(
        {"artifacts": {**AWS, "authority": AUTHORITY}},
        "artifacts.authority",
        "the store is AWS, whose CA is public",
        "or use the https URL of the store in artifacts.endpointUrl",
    ),
    "an authority of a store without TLS": Case(
        {"artifacts": {**S3, "endpointUrl": "http://s3.example.com", "authority": AUTHORITY}},
        "artifacts.authority",
        "the store has no TLS",
        "or use the https URL of the store in artifacts.endpointUrl",
    ),
    "a server's certificate for the database's authority": Case(
        {"database": {**EXTERNAL, "authority": "postgres.pem"}},
        "database.authority",
        "expected CA certificates in PEM",
        "write the whole block",
    ),
    "company authorities as a file's name": Case(
        {"cluster": {"authorities": "/etc/ssl/company.pem"}},
        "cluster.authorities",
        "expected CA certificates in PEM",
        "write the whole block",
    ),
    "SQLite in production": Case(
        {"database": {"kind": "sqlite"}, "server/replicas": 1, "server/workers": 1},
        "database.kind",
        "`sqlite` is not allowed with profile `production`",
        "use `in-cluster` or `rds` or `external`",
        base="prod",
    ),
    "SQLite for several pods": Case(
        {"database": {"kind": "sqlite"}, "server/replicas": 2},
        "server.replicas",
        "2 pods cannot share the volume of database.kind `sqlite`",
        "set server.replicas 1, or use `in-cluster` or `rds` or `external`",
    ),
    "SQLite for several workers": Case(
        {"database": {"kind": "sqlite"}, "server/workers": 2, "server/memoryLimit": "2Gi"},
        "server.workers",
        "2 processes would wait for each other's locks",
        "set server.workers 1, or use `in-cluster` or `rds` or `external`",
    ),
    "a volume of artifacts in production": Case(
        {"artifacts": {"kind": "volume"}, "server/replicas": 1},
        "artifacts.kind",
        "`volume` is not allowed with profile `production`",
        "use `in-cluster` or `bucket` or `s3`",
        base="prod",
    ),
    "a volume of artifacts for several pods": Case(
        {"artifacts": {"kind": "volume"}, "server/replicas": 2, "server/poolSize": 10},
        "server.replicas",
        "2 pods cannot share the volume of artifacts.kind `volume`",
        "set server.replicas 1, or use `in-cluster` or `bucket` or `s3`",
    ),
}
