"""Evaluation of policies, by the rules that AWS documents."""

from __future__ import annotations

import json

import pytest

from testbed.aws.policy.document import identity_policy, resource_policy, trust_policy
from testbed.aws.policy.evaluate import Policies, evaluate, evaluate_consenting
from testbed.aws.policy.matching import matches, matches_action, matches_arn
from testbed.aws.policy.request import Caller, PolicyError, Request, Verdict

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/mlflow"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/server"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/server/pod"
OBJECT = "arn:aws:s3:::bucket/team-a/model"
ALLOW, DENY, SILENT = Verdict.ALLOW, Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY


def _written(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(action: object = "s3:GetObject", resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(action: object = "s3:*", resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def _asked(
    action: str = "s3:GetObject",
    resource: str | None = OBJECT,
    caller: Caller | None = None,
    keys: dict[str, str] | None = None,
) -> Request:
    caller = caller or Caller(names=(USER,), account=ACCOUNT)
    return Request(action=action, resource=resource, caller=caller, keys=keys or {})


def _identity(*statements: dict[str, object]) -> Policies:
    return Policies(identity=identity_policy(_written(*statements)))


def _resource(*statements: dict[str, object]) -> Policies:
    return Policies(resource=resource_policy(_written(*statements)))


def test_without_an_allow_statement_nothing_is_allowed() -> None:
    assert evaluate(_asked(), Policies()) is SILENT


@pytest.mark.parametrize(
    ("action", "resource", "verdict"),
    [
        ("s3:GetObject", OBJECT, ALLOW),
        ("S3:getobject", OBJECT, ALLOW),
        ("s3:Get*", "arn:aws:s3:::bucket/team-?/*", ALLOW),
        ("s3:GetObject", "arn:aws:s3:::bucket/team-b/*", SILENT),
        ("s3:GetObject", "arn:aws:s3:::bucket", SILENT),
        ("s3:GetObjectVersion", OBJECT, SILENT),
        ("s3:PutObject", OBJECT, SILENT),
        (["s3:PutObject", "s3:*Object"], ["arn:aws:s3:::other", OBJECT], ALLOW),
    ],
)
def test_an_allow_statement_covers_its_actions_and_resources(
    action: object, resource: object, verdict: Verdict
) -> None:
    assert evaluate(_asked(), _identity(_allow(action, resource))) is verdict


def test_a_deny_overrides_every_allow() -> None:
    policies = Policies(
        identity=identity_policy(_written(_allow("*"))),
        resource=resource_policy(_written(_deny(Principal="*"), _allow(Principal="*"))),
    )
    assert evaluate(_asked(), policies) is DENY


def test_not_action_and_not_resource_cover_all_others() -> None:
    not_delete: dict[str, object] = {"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}
    elsewhere: dict[str, object] = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::bucket/*"}
    assert evaluate(_asked(), _identity(not_delete, elsewhere)) is ALLOW
    assert evaluate(_asked("s3:DeleteObject"), _identity(not_delete)) is SILENT
    assert evaluate(_asked(resource="arn:aws:s3:::other/x"), _identity(not_delete, elsewhere)) is DENY


@pytest.mark.parametrize(
    ("condition", "value", "verdict"),
    [
        ({"StringEquals": {"s3:prefix": "team-a/"}}, "team-a/", ALLOW),
        ({"StringEquals": {"s3:prefix": "team-a/"}}, "TEAM-A/", SILENT),
        ({"StringEquals": {"s3:prefix": "team-a/*"}}, "team-a/x", SILENT),
        ({"StringLike": {"s3:prefix": ["team-a", "team-a/*"]}}, "team-a/x", ALLOW),
        ({"StringLike": {"s3:prefix": ["team-a", "team-a/*"]}}, "team-ab/x", SILENT),
        ({"StringLike": {"s3:prefix": "team-a/*"}}, None, SILENT),
        ({"StringLikeIfExists": {"s3:prefix": "team-a/*"}}, None, ALLOW),
        ({"StringNotEquals": {"s3:prefix": "team-a/"}}, None, ALLOW),
        ({"StringNotLike": {"s3:prefix": ["team-b/*", "team-a/*"]}}, "team-a/x", SILENT),
        ({"Null": {"s3:prefix": "true"}}, None, ALLOW),
        ({"Null": {"s3:prefix": True}}, "x", SILENT),
        ({"Null": {"s3:prefix": "false"}, "StringLike": {"s3:prefix": "t*"}}, "team", ALLOW),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, None, SILENT),
        ({"StringEquals": {"S3:Prefix": "x"}}, "x", ALLOW),
    ],
)
def test_a_condition_depends_on_the_request(condition: object, value: str | None, verdict: Verdict) -> None:
    keys = {} if value is None else {"s3:prefix": value}
    asked = _asked("s3:ListBucket", "arn:aws:s3:::bucket", keys=keys)
    assert evaluate(asked, _identity(_allow("s3:ListBucket", Condition=condition))) is verdict


@pytest.mark.parametrize(
    ("condition", "keys", "verdict"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": "false"}, ALLOW),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:securetransport": "true"}, SILENT),
        ({"NumericLessThan": {"s3:max-keys": 10}}, {"s3:max-keys": "9"}, ALLOW),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, SILENT),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": "10.1.2.3"}, ALLOW),
        ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}, {"aws:sourceip": "10.1.2.3"}, SILENT),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/s*"}}, {"aws:principalarn": ROLE}, ALLOW),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam:*:*:role/*/server"}}, {"aws:principalarn": ROLE}, SILENT),
        ({"ArnNotEquals": {"aws:PrincipalArn": ROLE}}, {"aws:principalarn": ROLE}, SILENT),
        (
            {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00+00:00"}},
            {"aws:currenttime": "2026-11-21T00:00:00+00:00"},
            ALLOW,
        ),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, {"aws:principaltag/team": "a"}, ALLOW),
        ({"StringEquals": {"a.example/id/1:sub": "x"}}, {"a.example/id/1:sub": "x"}, ALLOW),
        ({"StringEquals": {"s3:prefix": "a"}, "Bool": {"aws:SecureTransport": "true"}}, {"s3:prefix": "a"}, SILENT),
    ],
)
def test_each_operator_compares_in_its_own_way(condition: object, keys: dict[str, str], verdict: Verdict) -> None:
    assert evaluate(_asked(keys=keys), _identity(_allow(Condition=condition))) is verdict


def test_a_variable_is_filled_in_as_text() -> None:
    policy = _identity(_allow(resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"))
    assert evaluate(_asked(keys={"aws:principaltag/team": "team-a"}), policy) is ALLOW
    assert evaluate(_asked(keys={"aws:principaltag/team": "team-b"}), policy) is SILENT
    assert evaluate(_asked(keys={"aws:principaltag/team": "*"}), policy) is SILENT
    assert evaluate(_asked(), policy) is SILENT


def test_a_variable_may_have_a_default_and_stand_in_a_condition() -> None:
    policy = _identity(_allow(Condition={"StringLike": {"s3:prefix": "${aws:username, 'nobody'}/*"}}))
    assert evaluate(_asked(keys={"aws:username": "carol", "s3:prefix": "carol/x"}), policy) is ALLOW
    assert evaluate(_asked(keys={"s3:prefix": "nobody/x"}), policy) is ALLOW
    assert evaluate(_asked(keys={"s3:prefix": "carol/x"}), policy) is SILENT


def test_a_deny_whose_variable_has_no_value_is_an_error() -> None:
    policy = _identity(_allow(), _deny(resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"))
    with pytest.raises(PolicyError, match="PrincipalTag/team"):
        evaluate(_asked(), policy)


def test_special_characters_of_patterns_can_be_escaped() -> None:
    assert matches("a${*}", "a*", {})
    assert not matches("a${*}", "ab", {})
    assert matches("a.b", "a.b", {})
    assert not matches("a.b", "axb", {})
    assert matches_action("s3:Get*", "S3:getObject")
    assert matches_arn("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/x", {"aws:username": "x"})


@pytest.mark.parametrize(
    ("principal", "caller", "verdict"),
    [
        ("*", Caller(), ALLOW),
        ({"AWS": "*"}, Caller(), ALLOW),
        ({"AWS": USER}, Caller(names=(USER,), account=ACCOUNT), ALLOW),
        ({"AWS": [ROLE, USER]}, Caller(names=(SESSION, ROLE), account=ACCOUNT), ALLOW),
        ({"AWS": SESSION}, Caller(names=(SESSION, ROLE), account=ACCOUNT), ALLOW),
        ({"AWS": USER}, Caller(names=(SESSION, ROLE), account=ACCOUNT), SILENT),
        ({"AWS": USER}, Caller(), SILENT),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Caller(names=(USER,), account=ACCOUNT), SILENT),
        ({"AWS": ACCOUNT}, Caller(names=(USER,), account=ACCOUNT), SILENT),
        ({"Service": "pods.eks.amazonaws.com"}, Caller(service="pods.eks.amazonaws.com"), ALLOW),
        ({"Service": "pods.eks.amazonaws.com"}, Caller(names=(USER,), account=ACCOUNT), SILENT),
    ],
)
def test_a_resource_policy_allows_the_principals_it_names(principal: object, caller: Caller, verdict: Verdict) -> None:
    assert evaluate(_asked(caller=caller), _resource(_allow(Principal=principal))) is verdict


def test_a_deny_for_an_account_applies_to_everyone_in_it() -> None:
    policies = Policies(
        identity=identity_policy(_written(_allow("*"))),
        resource=resource_policy(_written(_deny(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))),
    )
    assert evaluate(_asked(), policies) is DENY


def test_a_boundary_limits_permissions_and_grants_none() -> None:
    everything, reading = identity_policy(_written(_allow("*"))), identity_policy(_written(_allow("s3:Get*")))
    assert evaluate(_asked(), Policies(identity=everything, boundary=reading)) is ALLOW
    assert evaluate(_asked("s3:PutObject"), Policies(identity=everything, boundary=reading)) is SILENT
    assert evaluate(_asked(), Policies(boundary=everything)) is SILENT
    assert evaluate(_asked(), Policies(identity=everything, boundary=())) is SILENT


def test_a_key_policy_has_to_consent_by_naming_the_caller_or_the_account() -> None:
    asked = _asked("kms:Decrypt", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1")
    allowed = identity_policy(_written(_allow("kms:Decrypt")))
    to_account = resource_policy(_written(_allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    by_name = resource_policy(_written(_allow("kms:*", Principal={"AWS": USER})))
    assert evaluate_consenting(asked, Policies(identity=allowed, resource=to_account)) is ALLOW
    assert evaluate_consenting(asked, Policies(resource=to_account)) is SILENT
    assert evaluate_consenting(asked, Policies(resource=by_name)) is ALLOW
    assert evaluate_consenting(asked, Policies(identity=allowed)) is SILENT


def test_a_role_trusts_the_account_of_a_token() -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example/id/1"
    trust = trust_policy(
        _written(
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {"issuer.example/id/1:sub": "system:serviceaccount:mlflow:mlflow"}},
            }
        )
    )

    def verdict(subject: str, by: str = provider) -> Verdict:
        keys = {"issuer.example/id/1:sub": subject}
        asked = _asked("sts:AssumeRoleWithWebIdentity", ROLE, Caller(federated=by), keys)
        return evaluate(asked, Policies(resource=trust))

    assert verdict("system:serviceaccount:mlflow:mlflow") is ALLOW
    assert verdict("system:serviceaccount:mlflow:default") is SILENT
    assert verdict("system:serviceaccount:mlflow:mlflow", "arn:aws:iam::1:oidc-provider/other") is SILENT


def test_for_an_unknown_resource_only_the_wildcard_allows() -> None:
    asked = _asked("rds:DescribeDBInstances", None)
    assert evaluate(asked, _identity(_allow("rds:*"))) is ALLOW
    assert evaluate(asked, _identity(_allow("rds:*", "arn:aws:rds:*:*:*"))) is SILENT
    with pytest.raises(PolicyError, match="stand-in cannot determine"):
        evaluate(asked, _identity(_allow("rds:*"), _deny("rds:*", "arn:aws:rds:*:*:db:x")))


@pytest.mark.parametrize(
    "statement",
    [
        _allow(Condition={"ForAnyValue:StringLike": {"s3:prefix": "x"}}),
        _allow(Condition={"StringMatches": {"s3:prefix": "x"}}),
        _allow(Condition={"StringEquals": {"s3:prefx": "x"}}),
        _allow(Condition={"StringEquals": {"aws:SourceVpce": "x"}}),
        _allow("GetObject"),
        _allow(resource="bucket/*"),
        _allow(NotPrincipal="*"),
        _allow(Resources="*"),
        {"Effect": "allow", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "*"},
        {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"},
        _allow(Principal="*"),
    ],
)
def test_an_unknown_element_of_a_policy_is_an_error(statement: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        identity_policy(_written(statement))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"Version": "2012-10-18", "Statement": []}',
        '{"Statement": [{"Effect": "Allow"}], "Verson": 1}',
        '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}}',
    ],
)
def test_text_that_is_not_a_policy_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError):
        identity_policy(text)


def test_a_resource_policy_needs_a_principal() -> None:
    with pytest.raises(PolicyError, match="Principal"):
        resource_policy(_written(_allow()))
    with pytest.raises(PolicyError, match="wildcard"):
        resource_policy(_written(_allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"})))


def test_the_operator_bool_accepts_true_and_false_only() -> None:
    policy = _identity(_allow(Condition={"Bool": {"aws:SecureTransport": "yes"}}))
    with pytest.raises(PolicyError, match="true or false"):
        evaluate(_asked(keys={"aws:securetransport": "true"}), policy)
