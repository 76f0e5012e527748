"""Each mistake in a stack file is reported with its key, the expected value and a remedy."""

import datetime as dt

import pytest

from components.exposure.certificate import authority_certificate, self_signed
from tests.settings.cases import CANARY, EXTERNAL, OIDC, S3, Case, check
from tests.settings.stack_files import Complaints, changed

FROM_SECRET: dict[str, object] = {"kind": "secret", "name": "mlflow-tls"}
AUTHORITY = authority_certificate(b"seed", "mlflow.example.com")
SERVED = self_signed(b"seed", "mlflow.example.com", dt.date(2026, 11, 1)).certificate
DIGEST = f"@sha256:{'0' * 64}"


CASES = {
    # Keys.
    "a flag in words": Case(
        {"createNamespace": "no"}, "createNamespace", "expected true or false", "write true or false"
    ),
    "a misspelt section": Case({"sever": {}}, "sever", "is not a setting", "did you mean `server`?"),
    "a misspelt key": Case({"server/replica": 2}, "server.replica", "is not a setting", "did you mean `replicas`?"),
    "a key in snake case": Case(
        {"server/pool_size": 20}, "server.pool_size", "is not a setting", "did you mean `poolSize`?"
    ),
    "an unknown key": Case({"server/zzz": 1}, "server.zzz", "is not a setting", "use one of accessCacheSeconds"),
    "a key outside its section": Case({"replicas": 2}, "replicas", "is not a setting", "the key belongs to `server`"),
    "a path set without --path": Case(
        {"server.replicas": "2"}, "server.replicas", "is not a setting", "pulumi config set --path server.replicas"
    ),
    "a key of the other kind": Case(
        {"database/host": "db.example.com"},
        "database.host",
        "is not a setting",
        "the key belongs to database.kind `external`",
    ),
    "a role that does not exist": Case(
        {"teams/team-a": {"groups": {"managers": ["team-a-mlflow-users"]}}},
        "teams.team-a.groups.managers",
        "is not a setting",
        "did you mean `manager`?",
    ),
    "a misspelt project": Case(
        {"mlflow-platfrom:host": "x.example.com"},
        "mlflow-platfrom:host",
        "is ignored: its prefix is not `mlflow-platform:`",
        "did you mean `mlflow-platform:host`?",
    ),
    "the default provider's context": Case(
        {"kubernetes:context": "production"},
        "kubernetes:context",
        "is ignored: the program configures its own provider",
        "remove it, and select the cluster with mlflow-platform:cluster.context or KUBECONFIG",
    ),
    "no profile": Case(
        {"profile": ...}, "profile", "expected `evaluation` or `small` or `production`", "add `mlflow-platform:pro"
    ),
    "no host": Case({"host": ...}, "host", "is missing; expected a host name", "add `mlflow-platform:host:`"),
    "an empty host": Case({"host": ""}, "host", "is missing; expected a host name", "add `mlflow-platform:host:`"),
    "no database": Case({"database": ...}, "database", "`kind` `in-cluster` or `rds`", "add `mlflow-platform:data"),
    "no server image": Case({"server/image": ...}, "server.image", "is missing; expected an image", "add `image:` to"),
    "no kind": Case(
        {"database": {"storage": "5Gi"}}, "database.kind", "expected `in-cluster` or `rds`", "add one of them"
    ),
    "a misspelt kind": Case({"database/kind": "extern"}, "database.kind", 'found "extern"', "did you mean `external`?"),
    "an unknown kind": Case(
        {"artifacts/kind": "nfs"}, "artifacts.kind", "`in-cluster` or `bucket`", "choose one of them"
    ),
    "Google Cloud Storage as a kind": Case(
        {"artifacts/kind": "gcs"},
        "artifacts.kind",
        'found "gcs"',
        "use kind `s3` with the S3 interface of Google Cloud",
    ),
    "Azure as a kind": Case({"artifacts/kind": "Azure"}, "artifacts.kind", 'found "Azure"', "has no S3 interface"),
    "no teams": Case({"teams": {}}, "teams", "is empty; expected at least one entry", "add one"),
    # Shapes.
    "teams as a list": Case({"teams": ["team-a"]}, "teams", "expected a mapping", "without dashes"),
    "a section without content": Case(
        {"login/users/carol@example.com": None},
        'login.users["carol@example.com"]',
        "expected a mapping, found nothing",
        "{} for the defaults",
    ),
    "a text for a section": Case(
        {"server": "localhost/x:1"}, "server", "expected a mapping, found a string", "keys on indented lines"
    ),
    "a list for the roles": Case(
        {"teams/team-a": {"groups": ["team-a-mlflow-users"]}},
        "teams.team-a.groups",
        "expected a mapping, found a list",
        "without dashes",
    ),
    "a text for a list": Case(
        {"login/users/carol@example.com": {"groups": "team-a-mlflow-users"}},
        'login.users["carol@example.com"].groups',
        "expected a list; each item is a group",
        "in brackets",
    ),
    "an empty list of managers": Case(
        {"teams/team-c": {"groups": {"manager": []}}},
        "teams.team-c.groups.manager",
        "is empty; expected at least one entry",
        "add one",
    ),
    "groups without a group": Case(
        {"teams/team-c": {"groups": {}}},
        "teams.team-c.groups",
        "is empty; expected at least one group",
        "add a group as viewer, editor or manager, or remove `groups`: then the group team-c-mlflow-users is manager",
    ),
    "an empty list of viewers": Case(
        {"teams/team-c": {"groups": {"viewer": [], "manager": ["c"]}}},
        "teams.team-c.groups.viewer",
        "is empty; expected at least one entry",
        "add one",
    ),
    # Single values.
    "a misspelt profile": Case({"profile": "prodution"}, "profile", 'found "prodution"', "did you mean `production`?"),
    "a number in quotes": Case({"server/replicas": "2"}, "server.replicas", 'found "2"', "write it without quotes: 2"),
    "a truth for a number": Case(
        {"server/workers": True}, "server.workers", "expected a whole number from 1 to 16", "write a number like 1"
    ),
    "a truth in quotes": Case(
        {"access": {"aggregateRoles": "true"}},
        "access.aggregateRoles",
        'expected true or false, found "true"',
        "write it without quotes: true",
    ),
    "a truth in other words": Case(
        {"access": {"aggregateRoles": "yes"}}, "access.aggregateRoles", 'found "yes"', "write true or false"
    ),
    "half a worker": Case({"server/workers": 1.5}, "server.workers", "a whole number from 1 to 16", "a number like 1"),
    "too many replicas": Case(
        {"server/replicas": 99}, "server.replicas", "from 1 to 20", "the nearest possible number is 20"
    ),
    "no replica": Case({"server/replicas": 0}, "server.replicas", "found 0", "the nearest possible number is 1"),
    "a port that is none": Case(
        {"database": {**EXTERNAL, "port": 70000}},
        "database.port",
        "from 1 to 65535",
        "nearest possible number is 65535",
    ),
    "an autoscaler with nothing to choose from": Case(
        {"server/replicas": 2, "server/autoscaling": {"maxReplicas": 2}, "server/poolSize": 10},
        "server.autoscaling.maxReplicas",
        "expected more than server.replicas 2, the autoscaler's minimum; found 2",
        "server.autoscaling.maxReplicas 3",
    ),
    "an autoscaler without an end": Case(
        {"server/autoscaling": {}}, "server.autoscaling.maxReplicas", "is missing", "add `maxReplicas:` to"
    ),
    "one replica to stand apart": Case(
        {"server/spread": "required"},
        "server.spread",
        "`required` needs two or more replicas, but server.replicas is 1",
        "remove server.spread, or use two or more replicas",
    ),
    "a feature that is not offered": Case(
        {"server/features": ["demo"]},
        "server.features[0]",
        "expected `webhooks`",
        "`demo` is not offered, because while it creates its data, MLflow treats all requests",
    ),
    "a feature that does not exist": Case(
        {"server/features": ["everything"]}, "server.features[0]", 'found "everything"', "write `webhooks`, or leave"
    ),
    "webhooks to nobody": Case(
        {"server/features": ["webhooks"]},
        "server.features",
        "server.webhookHosts names no host",
        "add the hosts to server.webhookHosts, or remove `webhooks`",
    ),
    "hosts without webhooks": Case(
        {"server/webhookHosts": ["hooks.example.com"]},
        "server.webhookHosts",
        "has no effect without `webhooks` in server.features",
        "add `webhooks` to server.features, or remove server.webhookHosts",
    ),
    "an address to send webhooks to": Case(
        {"server/features": ["webhooks"], "server/webhookHosts": ["10.0.0.1"]},
        "server.webhookHosts[0]",
        "a host name",
        "create a DNS name",
    ),
    "too few connections for one request": Case(
        {"server/poolSize": 2, "server/poolOverflow": 1},
        "server.poolSize",
        "poolSize 2 + poolOverflow 1 = 3 connections; expected at least 4",
        "set server.poolSize 3",
    ),
    "no time to end": Case(
        {"server/terminationSeconds": 10},
        "server.terminationSeconds",
        "from 30 to 3600",
        "nearest possible number is 30",
    ),
    "a mirror with a scheme": Case(
        {"images": {"registry": "https://mirror.example.com/"}},
        "images.registry",
        "expected a registry, optionally with a path",
        "write it without scheme and slash at the end: mirror.example.com",
    ),
    "a mirror without a domain": Case(
        {"images": {"registry": "mirror"}}, "images.registry", 'found "mirror"', "write it like mirror.example.com"
    ),
    "one pull secret without a list": Case(
        {"images": {"pullSecrets": "pull"}}, "images.pullSecrets", "expected a list", "in brackets"
    ),
    "a number without quotes": Case({"server/cpuLimit": 2}, "server.cpuLimit", "found 2", 'write it in quotes: "2"'),
    "thousandths of a core of nothing": Case({"server/cpu": "0"}, "server.cpu", "amount of CPU", 'like "2" or "0.5"'),
    "memory in thousandths of a byte": Case(
        {"server/memory": "700m"}, "server.memory", 'like "700Mi"', 'write it like "700Mi"'
    ),
    "memory without a unit": Case({"server/memory": 700}, "server.memory", "found 700", "a number and its unit"),
    "memory in gigabytes": Case({"server/memoryLimit": "2GB"}, "server.memoryLimit", 'found "2GB"', 'like "2Gi"'),
    "a tiny volume": Case({"database/storage": "100Mi"}, "database.storage", 'at least "1Gi"', "smallest useful"),
    "a truth for a text": Case(
        {"cluster": {"ingressAnnotations": {"example.com/tls": True}}},
        'cluster.ingressAnnotations["example.com/tls"]',
        "expected a string, found true",
        'write it in quotes: "true"',
    ),
    "quotes within quotes": Case({"namespace": '"mlflow"'}, "namespace", "lower-case letters", "without the inner quo"),
    "a date without quotes": Case(
        {"certificate/issued": "2026-11-01 00:00:00 +0000 UTC"},
        "certificate.issued",
        "expected a date in quotes",
        'put the date in quotes, because YAML would read it as a timestamp: "2026-11-01"',
    ),
    "a date from elsewhere": Case(
        {"certificate/issued": "01.11.2026"}, "certificate.issued", 'like "2026-11-01"', "year, month and day"
    ),
    "a day that does not exist": Case(
        {"certificate/issued": "2026-02-30"}, "certificate.issued", 'like "2026-11-01"', "year, month and day"
    ),
    "a description that is a book": Case(
        {"teams/team-a/description": "x" * 501}, "teams.team-a.description", "at most 500", "shorten it by 1 char"
    ),
    # Hosts and URLs.
    "a gateway of a kind that does not exist": Case(
        {"gateway": {"kind": "httproute"}},
        "gateway.kind",
        "expected `ingress` or `http-route`",
        "did you mean `http-route`?",
    ),
    "a class for an Ingress": Case(
        {"gateway": {"kind": "ingress", "className": "traefik"}},
        "gateway.className",
        "is not a setting",
        "the key belongs to gateway.kind `http-route`",
    ),
    "an unknown kind of login": Case(
        {"gateway": {"kind": "ingress", "login": "forwardauth"}},
        "gateway.login",
        "expected `reverse-proxy` or `forward-auth`",
        "did you mean `forward-auth`?",
    ),
    "Traefik's way to ask a login where another controller may be": Case(
        {"gateway": {"kind": "http-route", "login": "forward-auth"}},
        "gateway.login",
        "is not a setting",
        "the key belongs to gateway.kind `ingress`",
    ),
    "an ingress class where there is no Ingress": Case(
        {"gateway": {"kind": "http-route"}, "cluster": {"ingressClass": "nginx"}},
        "cluster.ingressClass",
        "is ignored: gateway.kind `http-route` creates no Ingress",
        "use gateway.className instead",
    ),
    "annotations of an Ingress where there is none": Case(
        {"gateway": {"kind": "http-route"}, "cluster": {"ingressAnnotations": {"example.com/a": "b"}}},
        "cluster.ingressAnnotations",
        "is ignored: gateway.kind `http-route` creates no Ingress",
        "use gateway.annotations instead",
    ),
    "cert-manager at the Gateway and a self-signed certificate": Case(
        {"gateway": {"kind": "http-route", "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"}}},
        'gateway.annotations["cert-manager.io/cluster-issuer"]',
        "lets cert-manager overwrite the certificate that certificate.kind `self-signed`",
        "certificate.kind `secret`",
    ),
    "a path without its slash": Case(
        {"gateway": {"kind": "ingress", "path": "clusters/demo/mlflow"}},
        "gateway.path",
        "expected a path like /clusters/demo/mlflow",
        "write /clusters/demo/mlflow",
    ),
    "a path with a slash at the end": Case(
        {"gateway": {"kind": "ingress", "path": "/mlflow/"}},
        "gateway.path",
        "without a slash at the end",
        "write /mlflow",
    ),
    "a URL for a path": Case(
        {"gateway": {"kind": "ingress", "path": "https://a.example.com/mlflow/"}},
        "gateway.path",
        "expected a path",
        "write /mlflow",
    ),
    "a path that is the whole host": Case(
        {"gateway": {"kind": "ingress", "path": "/"}},
        "gateway.path",
        "expected a path",
        "remove the key: the platform then uses the whole host",
    ),
    "a path that is the login's": Case(
        {"gateway": {"kind": "ingress", "path": "/oauth2/mlflow"}},
        "gateway.path",
        "expected a path",
        "/oauth2 is used by MLflow or OAuth2-Proxy: begin the path with another name",
    ),
    "a path with a space": Case(
        {"gateway": {"kind": "ingress", "path": "/ml flow"}},
        "gateway.path",
        "expected a path",
        "use lower-case letters",
    ),
    "a gateway without its kind": Case(
        {"gateway": {"path": "/mlflow"}},
        "gateway.kind",
        "is missing; expected `ingress` or `http-route`",
        "add one of them",
    ),
    "a host with a scheme": Case(
        {"host": "https://ml.example.com"}, "host", "a host name like", "case: ml.example.com"
    ),
    "a host with a path": Case({"host": "ml.example.com/mlflow"}, "host", "a host name like", "case: ml.example.com"),
    "a host with a port": Case({"host": "ml.example.com:8443"}, "host", "a host name like", "case: ml.example.com"),
    "a host in capitals": Case({"host": "ML.example.com"}, "host", "a host name like", "case: ml.example.com"),
    "a host that is an address": Case(
        {"host": "10.0.0.1"},
        "host",
        "a host name like",
        "cookies and certificates need a host name: create a DNS name for the address and write that name",
    ),
    "a host that is an IPv6 address": Case(
        {"host": "[::1]"},
        "host",
        "a host name like",
        "cookies and certificates need a host name: create a DNS name for the address and write that name",
    ),
    "a host without a domain": Case(
        {"host": "mlflow"}, "host", "a host name like", "the full host name with its domain"
    ),
    "a wildcard host": Case({"host": "*.example.com"}, "host", "a host name like", "write one host name"),
    "a host with an underscore": Case({"host": "ml_flow.example.com"}, "host", "a host name", "digits, hyphens"),
    "a database on localhost": Case(
        {"database": {**EXTERNAL, "host": "localhost"}},
        "database.host",
        "a host name",
        "inside a pod, this address is the pod itself: write the host name that other machines use",
    ),
    "a database by a short name": Case(
        {"database": {**EXTERNAL, "host": "postgres"}}, "database.host", "a host name", "name.namespace.svc.cluster.lo"
    ),
    "a connection string": Case(
        {"database": {**EXTERNAL, "host": f"postgresql://mlflow:{CANARY}@db.example.com:5432/mlflow"}},
        "database.host",
        "found a string that may contain a password",
        "write only the host name, in lower case: db.example.com",
    ),
    "a database name with a hyphen": Case(
        {"database": {**EXTERNAL, "name": "ml-flow"}}, "database.name", "underscores", "write for example ml_flow"
    ),
    "an S3 URL with the bucket": Case(
        {"artifacts": {**S3, "endpointUrl": "https://s3.example.com/artifacts"}},
        "artifacts.endpointUrl",
        "a URL of scheme, host and optional port,",
        "remove the path and any slash at the end: the bucket is set in artifacts.bucket",
    ),
    "an S3 URL with keys": Case(
        {"artifacts": {**S3, "endpointUrl": f"https://AKIA:{CANARY}@s3.example.com"}},
        "artifacts.endpointUrl",
        "found a string that may contain a password",
        "remove user name and password: credentials have their own settings",
    ),
    "an S3 URL without a scheme": Case(
        {"artifacts": {**S3, "endpointUrl": "s3.example.com"}},
        "artifacts.endpointUrl",
        'found "s3.example.com"',
        "begin the URL with https:// or http://",
    ),
    "an S3 URL with a port that is none": Case(
        {"artifacts": {**S3, "endpointUrl": "https://s3.example.com:s3"}},
        "artifacts.endpointUrl",
        "a URL of scheme, host and optional port,",
        "write it like https://name.example.com:8443",
    ),
    "a bucket with a scheme": Case(
        {"artifacts": {**S3, "bucket": "s3://artifacts/mlflow"}},
        "artifacts.bucket",
        "name of a bucket",
        "folder: artif",
    ),
    "a bucket in capitals": Case(
        {"artifacts": {**S3, "bucket": "Artifacts"}}, "artifacts.bucket", "name of a bucket", "3 to 63 lower-case"
    ),
    "a zone for a region": Case(
        {"artifacts": {**S3, "region": "eu-central-1a"}}, "artifacts.region", "a region like", "region, eu-central-1"
    ),
    "an issuer without TLS": Case(
        {"login": {**OIDC, "issuer": "http://login.example.com"}},
        "login.issuer",
        "an https URL",
        "begin the URL with https",
    ),
    "an issuer's discovery URL": Case(
        {"login": {**OIDC, "issuer": "https://login.example.com/.well-known/openid-configuration"}},
        "login.issuer",
        "an https URL",
        "remove /.well-known and everything after it: https://login.example.com",
    ),
    "an issuer with a query": Case(
        {"login": {**OIDC, "issuer": "https://login.example.com/?realm=company"}},
        "login.issuer",
        "an https URL",
        "remove the `?` or `#` and everything after it",
    ),
    "a client id with a space": Case(
        {"login": {**OIDC, "clientId": "ml flow"}}, "login.clientId", "the ID of a client", "exactly"
    ),
    # Names.
    "the namespace default": Case({"namespace": "default"}, "namespace", 'found "default"', "belongs to Kubernetes"),
    "a system namespace": Case({"namespace": "kube-system"}, "namespace", "kube-system", "belongs to Kubernetes"),
    "a team in capitals": Case({"teams/Team_C": {}}, "teams.Team_C", "lower-case letters", "write for example team-c"),
    "a team of one letter": Case({"teams/c": {}}, "teams.c", "a name of 2 to 63", "at least two characters"),
    "a team that MLflow reserves": Case(
        {"teams/api": {}}, "teams.api", "a name of 2 to 63", "MLflow reserves that name: choose another"
    ),
    "a team in a system namespace": Case({"teams/kube-public": {}}, "teams.kube-public", "a name", "belongs to Kubern"),
    "a team that is too long": Case(
        {f"teams/{'c' * 64}": {}}, f"teams.{'c' * 64}", "a name of 2 to 63", "choose another"
    ),
    "a user by name": Case({"login/users/alice": {}}, "login.users.alice", "an e-mail address", "one e-mail address"),
    "a user in capitals": Case(
        {"login/users/Dora@Example.com": {}},
        'login.users["Dora@Example.com"]',
        "an e-mail address in lower case",
        "write it in lower case: dora@example.com",
    ),
    "a group of Kubernetes": Case(
        {"teams/team-c": {"groups": {"manager": ["system:masters"]}}},
        "teams.team-c.groups.manager[0]",
        "a group of the identity provider",
        "groups that begin with `system:` belong to Kubernetes: use another group",
    ),
    "a group with a comma": Case(
        {"teams/team-c": {"groups": {"manager": ["CN=team,OU=c"]}}},
        "teams.team-c.groups.manager[0]",
        "a group of the identity provider",
        "OAuth2-Proxy separates groups with commas: use a group without a comma",
    ),
    "a group with space around it": Case(
        {"teams/team-c": {"groups": {"manager": [" c"]}}},
        "teams.team-c.groups.manager[0]",
        "a group of the identity provider",
        "exactly as the identity provider sends it",
    ),
    "an image without a version": Case(
        {"images": {"dex": "ghcr.io/dexidp/dex"}}, "images.dex", "with registry and version", "ghcr.io/dexidp/dex:<ver"
    ),
    "the latest image": Case(
        {"images": {"dex": "ghcr.io/dexidp/dex:latest"}},
        "images.dex",
        "with registry and version",
        "`latest` changes without notice: write a version or a digest",
    ),
    "an image without a registry": Case(
        {"images": {"postgres": "postgres:17"}},
        "images.postgres",
        "with registry and version",
        "for example docker.io/library/postgres:17",
    ),
    "an image in capitals": Case(
        {"images": {"dex": "ghcr.io/DexIdp/dex:v2"}}, "images.dex", "with registry and version", "in lower case"
    ),
    "MLflow's own image": Case(
        {"server/image": f"ghcr.io/mlflow/mlflow:v1.2.3{DIGEST}"},
        "server.image",
        "an image built from images/mlflow",
        "that image lacks the authorization plugin: build an image that has it with `make image`",
    ),
    # Programs.
    "an audience with a comma": Case(
        {"cluster": {"serviceAccountAudiences": ["mlflow", "a,b"]}},
        "cluster.serviceAccountAudiences[1]",
        "an audience of service-account tokens",
        "write it exactly as in the `aud` claim of the tokens",
    ),
    "audiences without the platform's own": Case(
        {"cluster": {"serviceAccountAudiences": ["https://kubernetes.default.svc"]}},
        "cluster.serviceAccountAudiences",
        "does not contain `mlflow`, the audience of the smoke test and of programs outside the cluster",
        "add mlflow",
    ),
    "an audience twice": Case(
        {"cluster": {"serviceAccountAudiences": ["mlflow", "mlflow"]}},
        "cluster.serviceAccountAudiences",
        'lists "mlflow" 2 times',
        "list it once",
    ),
    "an address for a range": Case(
        {"cluster": {"apiServer": ["10.0.0.1"]}},
        "cluster.apiServer[0]",
        "an address range in CIDR notation",
        "write one address as 10.0.0.1/32",
    ),
    "a range that begins elsewhere": Case(
        {"cluster": {"ingressAddresses": ["10.1.2.3/16"]}},
        "cluster.ingressAddresses[0]",
        "an address range in CIDR notation",
        "write it like 10.1.0.0/16",
    ),
    "a host for a range": Case(
        {"cluster": {"apiServer": ["api.example.com"]}},
        "cluster.apiServer[0]",
        "an address range in CIDR notation",
        "write it in CIDR notation",
    ),
    "everything, the metadata service among it": Case(
        {"cluster": {"apiServer": ["0.0.0.0/0"]}},
        "cluster.apiServer[0]",
        "an address range in CIDR notation",
        "metadata service",
    ),
    "a password where a token is handed on": Case(
        {
            "gateway": {"kind": "ingress", "login": "forward-auth"},
            "login": {"kind": "basic", "users": {"alice@example.com": {"groups": ["team-a-mlflow-users"]}}},
        },
        "gateway.login",
        "login.kind `basic` has none",
        "use `reverse-proxy`",
    ),
    "access to an API server without addresses": Case(
        {"workspaces": {"apiServer": True}},
        "workspaces.apiServer",
        "cluster.apiServer",
        "add the addresses (`kubectl get endpointslices kubernetes --namespace default`),"
        " or remove workspaces.apiServer",
    ),
    "a service account in three parts": Case(
        {"teams/team-a/serviceAccounts": ["system:serviceaccount/jupyter/hub"]},
        "teams.team-a.serviceAccounts[0]",
        "a service account: `name`, or `namespace/name`",
        "write namespace/name",
    ),
    "a service account in capitals": Case(
        {"teams/team-a/serviceAccounts": ["Airflow_Worker"]},
        "teams.team-a.serviceAccounts[0]",
        "a service account",
        "write for example airflow-worker",
    ),
    "a service account of Kubernetes": Case(
        {"teams/team-a/serviceAccounts": ["kube-system/default"]},
        "teams.team-a.serviceAccounts[0]",
        "a service account",
        "belongs to Kubernetes",
    ),
    "a service account twice": Case(
        {"teams/team-a/serviceAccounts": ["airflow", "team-a/airflow"]},
        "teams.team-a.serviceAccounts",
        'lists the service account "team-a/airflow" 2 times',
        "list it once",
    ),
    "the platform's own service account": Case(
        {"teams/team-a/serviceAccounts": ["mlflow-client"]},
        "teams.team-a.serviceAccounts",
        'lists "team-a/mlflow-client", which the platform creates and which already has access',
        "remove it",
    ),
    "a service account in the platform's namespace": Case(
        {"teams/team-a/serviceAccounts": ["mlflow/mlflow"]},
        "teams.team-a.serviceAccounts",
        'lists "mlflow/mlflow" in the platform\'s namespace (`namespace`), where teams cannot run programs',
        "use a service account in the team's namespace, or in the namespace of your notebooks or pipelines",
    ),
    # Contradictions.
    "passwords in production": Case(
        {"login": {"kind": "basic", "users": {"alice@example.com": {}}}},
        "login.kind",
        "`basic` is not allowed with profile `production`",
        "use `oidc`",
        base="prod",
    ),
    "a token of one's own for who has a password": Case(
        {"login": {"kind": "basic", "users": {"alice@example.com": {}}}, "access": {"review": "self-subject"}},
        "access.review",
        "`self-subject` needs tokens for Kubernetes, and login.kind `basic` has only passwords",
        "use `subject`, or login.kind `oidc`",
    ),
    "tokens that the API server does not take, where callers ask it": Case(
        {"access": {"review": "self-subject"}, "cluster": {"serviceAccountAudiences": ["mlflow"]}},
        "cluster.serviceAccountAudiences",
        'does not contain "https://kubernetes.default.svc.cluster.local"',
        "add this audience, or remove cluster.serviceAccountAudiences",
    ),
    "a user of the basic login in an unknown group": Case(
        {"login": {"kind": "basic", "users": {"alice@example.com": {"groups": ["team-c"]}}}},
        'login.users["alice@example.com"].groups[0]',
        'no team has the group "team-c"',
        "use a group of a team, or add this group to a team",
    ),
    "a review that does not exist": Case(
        {"access": {"review": "self"}}, "access.review", "expected `subject` or `self-subject`", "choose one of them"
    ),
    "a log-out in plain text": Case(
        {"login": {**OIDC, "logoutUrl": "http://login.example.com/logout"}},
        "login.logoutUrl",
        "expected an https URL",
        "begin the URL with https://, because it may contain the ID token",
        encrypted=("loginClientSecret",),
    ),
    "a log-out with another placeholder": Case(
        {"login": {**OIDC, "logoutUrl": "https://login.example.com/logout?hint={token}"}},
        "login.logoutUrl",
        "expected an https URL",
        "the only placeholder is {id_token}",
        encrypted=("loginClientSecret",),
    ),
    "development login in production": Case(
        {"login": {"kind": "development", "users": {"alice@example.com": {}}}},
        "login.kind",
        "`development` is not allowed with profile `production`",
        "use `oidc`",
        base="prod",
    ),
    "self-signed in production": Case(
        {"certificate": {"kind": "self-signed"}},
        "certificate.kind",
        "`self-signed` is not allowed with profile `production`",
        "use `secret`",
        base="prod",
    ),
    "one's own machine in production": Case(
        {"host": "mlflow.localhost"},
        "host",
        "each user's own machine",
        "use a name in your DNS",
        base="prod",
    ),
    "a local image in production": Case(
        {"server/image": "localhost/mlflow-platform/mlflow:1.2.3"},
        "server.image",
        "begins with localhost/, so other machines cannot pull the image",
        "push the image to a registry",
        base="prod",
    ),
    "a store without TLS in production": Case(
        {"artifacts": {**S3, "endpointUrl": "http://s3.example.com"}},
        "artifacts.endpointUrl",
        "uses http: artifacts and credentials are sent unencrypted",
        "use https://",
        base="prod",
    ),
    "a private key for an authority": Case(
        {"certificate": {**FROM_SECRET, "authority": f"-----BEGIN PRIVATE KEY-----\n{CANARY}"}},
        "certificate.authority",
        "expected CA certificates in PEM",
        "the text has a private key",
    ),
    "a file name for an authority": Case(
        {"certificate": {**FROM_SECRET, "authority": "ca.crt"}},
        "certificate.authority",
        "expected CA certificates in PEM",
        "write the whole block",
    ),
    "a certificate without its line breaks": Case(
        {"certificate": {**FROM_SECRET, "authority": AUTHORITY.replace("\n", " ")}},
        "certificate.authority",
        "expected CA certificates in PEM",
        "the certificate is incomplete: paste it again with its line breaks below `|-`",
    ),
    "half a certificate": Case(
        {"certificate": {**FROM_SECRET, "authority": AUTHORITY[: len(AUTHORITY) // 2]}},
        "certificate.authority",
        "expected CA certificates in PEM",
        "the certificate is incomplete: paste it again with its line breaks below `|-`",
    ),
    "a server's certificate for its authority's": Case(
        {"certificate": {**FROM_SECRET, "authority": SERVED}},
        "certificate.authority",
        "expected CA certificates in PEM",
        "one of the certificates is a server certificate: write the certificate of the CA that signed it",
    ),
    "an authority of a self-signed certificate": Case(
        {"certificate/authority": AUTHORITY}, "certificate.authority", "is not a setting", "certificate.kind `secret`"
    ),
    "cert-manager and a self-signed certificate": Case(
        {"cluster": {"ingressAnnotations": {"cert-manager.io/cluster-issuer": "company"}}},
        'cluster.ingressAnnotations["cert-manager.io/cluster-issuer"]',
        "lets cert-manager overwrite the certificate that certificate.kind `self-signed`",
        "certificate.kind `secret`",
    ),
    "a user in a group of no team": Case(
        {"login/users/carol@example.com": {"groups": ["team-a-mlflow-user"]}},
        'login.users["carol@example.com"].groups[0]',
        'no team has the group "team-a-mlflow-user"',
        'did you mean "team-a-mlflow-users"?',
    ),
    "a user in a group like none": Case(
        {"login/users/carol@example.com": {"groups": ["zzz"]}},
        'login.users["carol@example.com"].groups[0]',
        'no team has the group "zzz"',
        "use a group of a team, or add this group to a team",
    ),
    "a team in the platform's namespace": Case(
        {"teams/mlflow": {}},
        "teams.mlflow",
        "names a team, but a namespace of that name belongs to the platform (`namespace`)",
        "rename the team",
    ),
    "a team in the ingress controller's namespace": Case(
        {"teams/traefik": {}}, "teams.traefik", "the ingress controller (cluster.ingressNamespace)", "rename the team"
    ),
    "the platform in the ingress controller's namespace": Case(
        {"namespace": "traefik"},
        "namespace",
        '"traefik" belongs to the ingress controller (cluster.ingressNamespace)',
        "choose another",
    ),
    "a group twice in a team": Case(
        {"teams/team-c": {"groups": {"manager": ["c", "c"]}}},
        "teams.team-c.groups",
        'lists the group "c" 2 times (manager)',
        "list it once",
    ),
    "a group with two roles": Case(
        {"teams/team-c": {"groups": {"viewer": ["c"], "manager": ["c"]}}},
        "teams.team-c.groups",
        'lists the group "c" 2 times (manager, viewer)',
        "list it once",
    ),
    "two teams in an MLflow without workspaces": Case(
        {"workspaces": {"enabled": False}},
        "workspaces.enabled",
        "`false` is for a single team, but there are 2 teams (team-a, team-b)",
        "keep one team, or remove workspaces.enabled",
    ),
    "a database behind the platform's own host": Case(
        {"database": {**EXTERNAL, "host": "mlflow.localhost"}},
        "database.host",
        "the platform's own host",
        "the host name of the PostgreSQL server",
    ),
    "an issuer behind the platform's own host": Case(
        {"login": {**OIDC, "issuer": "https://mlflow.localhost/realms/company"}},
        "login.issuer",
        "the platform's own host",
        "the URL of the identity provider",
    ),
    "AWS without a region": Case(
        {"artifacts": {"kind": "s3", "bucket": "artifacts"}},
        "artifacts.region",
        "the store is AWS",
        "add the region",
    ),
    "sessions that end before their renewal": Case(
        {"sessions": {"hours": 1, "refreshMinutes": 60}},
        "sessions.refreshMinutes",
        "less than 60 minutes (sessions.hours is 1), found 60",
        "set at most 59",
    ),
    "more connections than the database has": Case(
        {"server/replicas": 5},
        "server.poolSize",
        "(replicas 5 + 1 surge) x workers 1 x (poolSize 20 + poolOverflow 10) + 3 for Jobs = 183 "
        "connections; expected at most 150 (database.maxConnections, default) - 7 reserved = 143",
        "set server.poolSize 20 and server.poolOverflow 3, or set server.replicas 3, or set "
        'database.maxConnections 190 and database.memoryLimit "3286Mi", or use a larger database with '
        "database.kind",
        others=1,
    ),
    "more connections than the external database has": Case(
        {"database": {**EXTERNAL, "maxConnections": 60}},
        "server.poolSize",
        "= 63 connections; expected at most 60 (database.maxConnections, stack file) - 7 reserved = 53",
        "set server.poolSize 20 and server.poolOverflow 5, or raise the database's own limit, and set "
        "database.maxConnections 70",
    ),
    "more memory asked for than allowed": Case(
        {"server/memory": "2Gi"},
        "server.memory",
        '"2Gi" is more than server.memoryLimit "1Gi" (the default)',
        "lower server.memory or raise server.memoryLimit",
    ),
    "too little memory for the workers": Case(
        {"server/workers": 3, "server/poolSize": 6, "server/poolOverflow": 5},
        "server.memoryLimit",
        'workers 3 x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = 1780 MiB, found "1Gi" (the default)',
        'set server.memoryLimit "1780Mi", or set server.workers 1',
    ),
    "more CPU asked for than allowed": Case(
        {"server/cpu": "2500m"},
        "server.cpu",
        '"2500m" is more than server.cpuLimit "2" (the default)',
        "lower server.cpu",
    ),
    "a default container that asks for more than it may take": Case(
        {"workspaces": {"limits": {"cpuRequest": "2"}}},
        "workspaces.limits.cpuRequest",
        '"2" is more than workspaces.limits.cpu "1" (the default); Kubernetes rejects a request above its limit',
        "lower workspaces.limits.cpuRequest or raise workspaces.limits.cpu",
    ),
    "a default limit below the default request": Case(
        {"workspaces": {"limits": {"memory": "128Mi"}}},
        "workspaces.limits.memory",
        '"128Mi" is less than workspaces.limits.memoryRequest "256Mi" (the default)',
        "lower workspaces.limits.memoryRequest or raise workspaces.limits.memory",
    ),
    "a default limit above the quota": Case(
        {"workspaces": {"limits": {"memory": "128Gi"}}},
        "workspaces.limits.memory",
        '"128Gi" is more than workspaces.quota.memory "64Gi" (the default); the quota would reject every pod',
        "lower workspaces.limits.memory or raise workspaces.quota.memory",
    ),
    "a team's quota below everybody's default container": Case(
        {"teams/team-a/quota": {"cpu": "500m"}},
        "teams.team-a.quota.cpu",
        '"500m" is less than workspaces.limits.cpu "1" (the default)',
        "lower workspaces.limits.cpu or raise teams.team-a.quota.cpu",
    ),
    "a team's default container above its own quota": Case(
        {"teams/team-a/limits": {"memory": "8Gi"}, "teams/team-a/quota": {"memory": "4Gi"}},
        "teams.team-a.limits.memory",
        '"8Gi" is more than teams.team-a.quota.memory "4Gi"',
        "lower teams.team-a.limits.memory or raise teams.team-a.quota.memory",
    ),
    "a team's request above everybody's limit": Case(
        {"teams/team-a/limits": {"memoryRequest": "3Gi"}},
        "teams.team-a.limits.memoryRequest",
        '"3Gi" is more than workspaces.limits.memory "2Gi" (the default)',
        "lower teams.team-a.limits.memoryRequest or raise workspaces.limits.memory",
    ),
    "a quota without a pod": Case(
        {"teams/team-a/quota": {"pods": 0}}, "teams.team-a.quota.pods", "found 0", "the nearest possible number is 1"
    ),
    "a quota in numbers": Case(
        {"workspaces": {"quota": {"cpu": 16}}}, "workspaces.quota.cpu", "found 16", 'write it in quotes: "16"'
    ),
    # Secrets.
    "a missing secret": Case(
        {"database": EXTERNAL},
        "databasePassword",
        "is missing; database.kind `external` with database.credentials.kind `configuration` needs it",
        "run `pulumi config set --secret databasePassword --stack dev`",
    ),
    "a secret in plain text": Case(
        {"login": OIDC, "loginClientSecret": CANARY},
        "loginClientSecret",
        "is in plain text in the stack file; expected an encrypted value",
        "run `pulumi config set --secret loginClientSecret --stack dev`",
    ),
    "a secret with a line end": Case(
        {"database": EXTERNAL, "databasePassword": f"{CANARY}\n"},
        "databasePassword",
        "begins or ends with white space",
        "run `pulumi config set --secret databasePassword --stack dev` and type the value",
        encrypted=("databasePassword",),
    ),
    "a secret without a use": Case(
        {"databasePassword": CANARY},
        "databasePassword",
        "is not used; only database.kind `external` with database.credentials.kind `configuration` needs it,",
        "run `pulumi config rm databasePassword --stack dev`",
        encrypted=("databasePassword",),
    ),
    "a misspelt secret": Case(
        {"databasePasword": CANARY},
        "databasePasword",
        "is not a setting",
        "did you mean `databasePassword`?",
        encrypted=(),
    ),
    "a password among the settings": Case(
        {"database": {**EXTERNAL, "password": CANARY}},
        "database.password",
        "must not contain a secret",
        "run `pulumi config set --secret databasePassword --stack dev`",
    ),
    "a password for a database that has its own": Case(
        {"database/password": CANARY},
        "database.password",
        "must not contain a secret",
        "remove it, and replace the secret, which was in plain text",
    ),
    "an access key among the settings": Case(
        {"artifacts": {**S3, "secretAccessKey": CANARY}},
        "artifacts.secretAccessKey",
        "must not contain a secret",
        "run `pulumi config set --secret artifactsSecretAccessKey --stack dev`",
    ),
    "a password for a development user": Case(
        {"login/users/carol@example.com": {"password": CANARY}},
        'login.users["carol@example.com"].password',
        "must not contain a secret",
        "remove it: `up` generates the passwords, and `make passwords` prints them",
    ),
    "a setting that is encrypted": Case(
        {},
        "server",
        "contains an encrypted value; expected plain text",
        "set it without --secret",
        encrypted=("server",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_configuration_is_told_key_expectation_and_remedy(case: Case, complaints: Complaints) -> None:
    check(case, complaints)


def test_a_pasted_private_key_is_not_repeated(complaints: Complaints) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{CANARY}"
    found = complaints(changed("dev", {"certificate": {**FROM_SECRET, "authority": key}}))
    assert CANARY not in "".join(found)
