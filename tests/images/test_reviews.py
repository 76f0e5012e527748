"""Access reviews: the right that is asked about, and the caller."""

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from mlflow_platform_server import reviews
from mlflow_platform_server.decisions import Decisions
from mlflow_platform_server.known_identities import UNLISTED
from mlflow_platform_server.review_engine import ReviewEngine
from mlflow_platform_server.reviews import AccessReviews, Identity, Question, Reviews, digest
from mlflow_platform_server.scope import Caller

from components.team import permissions

ALICE = Caller(user="alice@example.com", groups=("x",))


@dataclass(slots=True)
class Kubernetes:
    """Answers yes in team-a, and records what it is asked."""

    asked: list[tuple[Caller, Question]] = field(default_factory=list[tuple[Caller, Question]])

    def allowed(self, caller: Caller, question: Question, seconds: float) -> bool:
        """Answer a review."""
        assert seconds > 0
        self.asked.append((caller, question))
        return question.namespace == "team-a"

    def identity(self, caller: Caller, seconds: float) -> Identity:
        """Read a token."""
        assert seconds > 0
        self.asked.append((caller, Question(resource="", verb="", namespace="")))
        return Identity(user=f"owner of {caller.token}", groups=("system:authenticated",))


def made(kubernetes: Kubernetes, names: dict[str, str] | None = None) -> Reviews:
    renamed = names or {}
    engine = ReviewEngine(Decisions(30, 300), 5)
    return Reviews(engine, kubernetes, lambda user: renamed.get(user, user))


def test_the_review_is_for_a_right_that_every_role_has() -> None:
    """Otherwise members of a role without it would be locked out of their own workspace."""
    assert reviews.GROUP == permissions.API_GROUP
    assert reviews.RESOURCE in permissions.RESOURCES
    assert all(reviews.VERB in verbs for verbs in (*permissions.VERBS.values(), permissions.PROGRAM_VERBS))


def test_the_first_judge_asks_about_the_caller_and_the_namespace() -> None:
    kubernetes = Kubernetes()
    judge = AccessReviews(made(kubernetes))
    assert asyncio.run(judge.allows(ALICE, "team-a"))
    assert not asyncio.run(judge.allows(ALICE, "team-b"))
    assert kubernetes.asked == [
        (ALICE, Question(resource="experiments", verb="get", namespace=namespace)) for namespace in ("team-a", "team-b")
    ]


def test_an_answer_is_for_the_whole_question_only() -> None:
    kubernetes = Kubernetes()
    asked = made(kubernetes)
    question = {"resource": "experiments", "verb": "get", "namespace": "team-a"}
    others = [
        {"resource": "datasets"},
        {"verb": "list"},
        {"namespace": "team-b"},
        {"subresource": "use"},
        {"name": "x"},
    ]
    for change in ({}, *others):
        for _ in range(2):
            asked.allows_blocking(ALICE, Question(**(question | change)))
    assert len(kubernetes.asked) == 1 + len(others)


def test_kubernetes_is_asked_about_the_reviewed_name_and_answers_belong_to_it() -> None:
    kubernetes, names = Kubernetes(), {"alice@example.com": "nobody"}
    asked, question = made(kubernetes, names), Question(resource="experiments", verb="get", namespace="team-a")
    asked.allows_blocking(ALICE, question)
    names.clear()
    asked.allows_blocking(ALICE, question)
    assert [caller.user for caller, _ in kubernetes.asked] == ["nobody", "alice@example.com"]


def test_an_identity_without_a_token_needs_no_review_and_one_with_a_token_is_read_once() -> None:
    kubernetes = Kubernetes()
    asked = made(kubernetes, {"alice@example.com": "nobody"})
    assert asyncio.run(asked.identity(ALICE)) == Identity(user="nobody", groups=("x",))
    assert kubernetes.asked == []
    for _ in range(2):
        identity = asyncio.run(asked.identity(Caller(user="u", token="t")))  # noqa: S106 - not a secret
        assert identity == Identity(user="owner of t", groups=("system:authenticated",))
    assert len(kubernetes.asked) == 1


def test_a_callers_key_is_the_same_in_every_process_although_the_name_in_the_review_is_not() -> None:
    code = (
        "from mlflow_platform_server.known_identities import UNLISTED\n"
        "from mlflow_platform_server.reviews import digest\n"
        "from mlflow_platform_server.scope import Caller\n"
        "print(digest(Caller(user=UNLISTED + 'u')), UNLISTED)"
    )
    folder = str(Path(reviews.__file__).parents[1])
    printed = subprocess.run(  # noqa: S603 - the line above
        [sys.executable, "-c", code], env={"PYTHONPATH": folder}, capture_output=True, text=True, check=True
    )
    key, prefix = printed.stdout.split()
    assert key == digest(Caller(user=f"{UNLISTED}u"))
    assert prefix != UNLISTED


def test_callers_are_the_same_only_if_kubernetes_decides_the_same_for_them() -> None:
    same = digest(Caller(user="u", groups=("a", "b")))
    assert same == digest(Caller(user="u", groups=("b", "a"), claimed_groups=("c",)))
    token = Caller(user="u", groups=("a", "b"), token="t")  # noqa: S106 - not a secret
    assert digest(token) == digest(Caller(user="", token="t"))  # noqa: S106 - not a secret
    others = [
        Caller(user=f"{UNLISTED}u", groups=("a", "b")),
        Caller(user="u", groups=("a",)),
        Caller(user="u", groups=("a,b",)),
        Caller(user="ua", groups=("b",)),
        Caller(user="u", groups=("a", "b"), token="s"),  # noqa: S106 - not a secret
        token,
    ]
    assert len({same, *map(digest, others)}) == 7
