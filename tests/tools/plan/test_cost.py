from dataclasses import replace
from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.plan.cost import cost
from tools.plan.plan import Sum


def workload(requests: str, limits: str) -> dict[str, Any]:
    resources = {"requests": {"memory": requests}, "limits": {"memory": limits}}
    return {"spec": {"replicas": 1, "template": {"spec": {"containers": [{"resources": resources}]}}}}


def quota(memory: str) -> dict[str, Any]:
    return {"spec": {"hard": {"limits.memory": memory}}}


def changed(kind: str, old: dict[str, Any], new: dict[str, Any], **fields: Any) -> list[str]:  # noqa: ANN401 - of a plan
    return cost(planned(preview(step("update", kind, "a", old=old, new=new)), **fields))


def test_what_is_reserved_what_is_allowed_and_what_is_a_ceiling_have_their_names() -> None:
    assert changed("Deployment", workload("1Gi", "2Gi"), workload("1Gi", "4Gi")) == [
        "At most for all pods (limits): 2 → 4 GiB of memory",
        "Money: unchanged",
    ]
    assert changed("ResourceQuota", quota("64Gi"), quota("96Gi")) == [
        (
            "Ceiling for all teams together (quotas; nothing is reserved, and what the cluster has is not checked):"
            " 64 → 96 GiB of memory"
        ),
        "Money: unchanged",
    ]


def test_without_a_price_list_the_money_is_said_to_be_unknown() -> None:
    old, new = workload("1Gi", "2Gi"), workload("2Gi", "2Gi")
    assert (
        changed("Deployment", old, new)[-1] == "Money: unknown, because no price list was given (docs/pull-requests.md)"
    )
    assert changed("Deployment", old, new, prices={"memory": 2.0})[-1].startswith(
        "Money a month, by the price list: 2.00"
    )


def of_sum(before: str, after: str) -> str:
    one = Sum(name="memory of PostgreSQL", before=before, after=after)
    (line,) = cost(replace(planned(preview()), sums=[one]))
    return line


@pytest.mark.parametrize(
    ("limit", "judged"),
    [
        ("2304Mi", "1.75 → 2.25 GiB; it needs 1.69 GiB, so both are enough"),
        ("1Gi", "1.75 GiB for 1.69 GiB needed (enough) → 1 GiB for 1.69 GiB needed (too little)"),
    ],
)
def test_a_need_is_compared_with_what_there_is_before_and_after(limit: str, judged: str) -> None:
    before = '(150 x 4 MiB) / 0.75 = 1728MiB; limit "1792Mi" (the default)'
    after = f'(150 x 4 MiB) / 0.75 = 1728MiB; limit "{limit}"'
    assert of_sum(before, after) == f"Memory of PostgreSQL: {judged}"


def test_another_sum_is_shown_as_it_is_computed() -> None:
    assert of_sum("63 connections", "93 connections") == (
        "memory of PostgreSQL: 93 connections (before: 63 connections)"
    )
