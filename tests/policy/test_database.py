from typing import Any

import pytest

from tests.policy.examples import WORKLOAD, deployment
from tests.policy.judge import UNKNOWN, changed, violations

PATH = "spec.template.spec.containers.0"
VERIFIED = "postgresql+psycopg://mlflow@db.example.com:5432/mlflow?sslmode=verify-full&sslrootcert=/ca.crt"
FROM_SECRET = {"valueFrom": {"secretKeyRef": {"name": "database", "key": "x"}}}


def with_env(**variables: object) -> list[str]:
    env = [
        {"name": name, **(value if isinstance(value, dict) else {"value": value})} for name, value in variables.items()
    ]
    return violations("databases-are-verified", deployment(changed(WORKLOAD, f"{PATH}.env", env)))


def with_args(*words: str) -> list[str]:
    return violations("databases-are-verified", deployment(changed(WORKLOAD, f"{PATH}.args", list(words))))


@pytest.mark.parametrize(
    "url",
    [
        VERIFIED,
        "postgresql://mlflow@postgres:5432/mlflow?sslmode=disable",
        "postgresql://mlflow@/mlflow?host=/var/run/postgresql",
        "mysql://mlflow@db.example.com/mlflow",
        "sqlite:////mlflow/mlflow.db",
        UNKNOWN,
    ],
)
def test_a_verified_connection_or_one_inside_the_namespace_is_admitted(url: str) -> None:
    assert with_args(f"--backend-store-uri={url}") == []
    assert with_env(DATABASE=url) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "no sslmode"),
        ("?sslmode=disable", "sslmode disable"),
        ("?sslmode=prefer&application_name=x", "sslmode prefer"),
        ("?sslmode=require", "sslmode require"),
        ("?sslmode=verify-ca&sslrootcert=/ca.crt", "sslmode verify-ca"),
    ],
)
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://mlflow@db.example.com:5432/mlflow",
        "postgres://db.example.com/mlflow",
        "postgresql+psycopg://mlflow@postgres.other.svc:5432/mlflow",
        "postgresql://mlflow@postgres,db.example.com/mlflow",
        "postgresql://mlflow@$(HOST)/mlflow",
    ],
)
def test_a_connection_that_verifies_nothing_is_a_violation(address: str, query: str, said: str) -> None:
    sentence = f"connects to PostgreSQL with {said}: set it to verify-full, and sslrootcert to the CA certificate"
    assert with_args("server", f"--uri={address}{query}") == [f"container `server`: args {sentence}"]
    assert with_env(DATABASE=f"{address}{query}") == [f"container `server`: env `DATABASE` {sentence}"]


def test_a_host_in_the_query_is_the_one_that_counts() -> None:
    assert len(with_args("postgresql://mlflow@postgres/mlflow?host=db.example.com&sslmode=require")) == 1


def test_the_variables_of_libpq_count_where_the_url_says_nothing() -> None:
    bare = "postgresql://mlflow@db.example.com/mlflow"
    assert with_env(PGSSLMODE="verify-full", DATABASE=bare, PGHOST="db.example.com") == []
    assert len(with_env(PGSSLMODE="require", DATABASE=bare)) == 1
    assert with_env(PGSSLMODE="require", DATABASE=VERIFIED) == []
    assert len(with_env(PGHOST="db.example.com")) == 1
    assert with_env(PGHOST="postgres") == []


@pytest.mark.parametrize("mode", [UNKNOWN, FROM_SECRET])
def test_a_mode_that_is_not_known_is_judged_by_the_deployment(mode: Any) -> None:  # noqa: ANN401 - text or reference
    assert with_env(PGSSLMODE=mode, PGHOST="db.example.com") == []
    assert with_env(PGSSLMODE="require", PGHOST=UNKNOWN) == []
