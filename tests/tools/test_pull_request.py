"""The comment of a pull request, with a small stand-in for GitHub."""

from collections.abc import Iterator

import pytest

from tests.tools.github import GitHub, serving
from tools.github import GitHubError, Repository
from tools.plan.report import MARKER
from tools.pull_request import post

TOKEN = "ours"  # noqa: S105 - opens nothing but the stand-in


@pytest.fixture(scope="module")
def server() -> Iterator[GitHub]:
    """One server for all tests, because stopping it takes half a second."""
    with serving(TOKEN) as github:
        yield github


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """GitHub without comments, reviews and recorded requests."""
    server.refusal = None
    server.comments.clear()
    server.requests.clear()
    return server


def send(github: GitHub, text: str, token: str = TOKEN) -> str:
    repository = Repository(api=github.url, name="example/platform", token=token, needs="pull-requests: write")
    return post(repository, text, marker=MARKER, pull_request="7")


def test_the_first_run_writes_a_comment(github: GitHub) -> None:
    github.add("looks good")
    text = f"{MARKER}\nfirst"
    assert send(github, text) == "https://github.invalid/repos/example/platform/issues/comments/2"
    assert [found["body"] for found in github.comments] == ["looks good", text]


def test_the_next_run_replaces_it_and_nothing_else(github: GitHub) -> None:
    for body in ("looks good", f"{MARKER}\nfirst", "thanks"):
        github.add(body)
    text = f"{MARKER}\nsecond"
    assert send(github, text) == "https://github.invalid/repos/example/platform/issues/comments/2"
    assert [found["body"] for found in github.comments] == ["looks good", text, "thanks"]
    assert "POST" not in github.requests


def test_a_comment_that_says_the_same_is_left_alone(github: GitHub) -> None:
    text = f"{MARKER}\nthe same"
    assert send(github, text) == send(github, text)
    assert github.requests.count("PATCH") == 0
    assert len(github.comments) == 1


def test_a_comment_that_somebody_else_has_written_is_not_taken_for_ours(github: GitHub) -> None:
    github.add(f"{MARKER}\nnothing changes, I promise", by="mallory")
    send(github, f"{MARKER}\nfirst")
    assert [found["user"]["login"] for found in github.comments] == ["mallory", "github-actions[bot]"]


def test_a_comment_on_a_later_page_is_found(github: GitHub) -> None:
    for number in range(250):
        github.add(f"remark {number}")
    github.add(f"{MARKER}\nfirst")
    send(github, f"{MARKER}\nsecond")
    assert github.requests == ["GET", "GET", "GET", "PATCH"]
    assert github.comments[-1]["body"] == f"{MARKER}\nsecond"
    assert len(github.comments) == 251


def test_a_token_that_github_does_not_know_ends_with_a_sentence(github: GitHub) -> None:
    with pytest.raises(GitHubError) as refused:
        send(github, MARKER, token="someone else's")  # noqa: S106 - opens nothing
    sentence = str(refused.value)
    assert sentence.startswith(f"GitHub answered 401 to GET {github.url}/repos/example/platform/issues/7/comments")
    assert sentence.endswith("Bad credentials; the token is invalid or expired")
    assert github.comments == []


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        (
            403,
            '{"message": "Resource not accessible"}',
            "Resource not accessible; the token probably needs `pull-requests: write`",
        ),
        (404, '{"message": "Not Found"}', "Not Found; the repository or pull request does not exist"),
        (422, '{"message": "Body is too long"}', "Body is too long"),
        (502, "<html>", "GitHub has a problem: run the job again"),
        (418, "[]", "I'm a Teapot"),
    ],
)
def test_each_refusal_says_what_is_the_matter(github: GitHub, status: int, said: str, reason: str) -> None:
    github.refusal = (status, said)
    with pytest.raises(GitHubError) as refused:
        send(github, MARKER)
    assert f"GitHub answered {status} to GET" in str(refused.value)
    assert f": {reason}" in str(refused.value)


def test_a_github_that_is_not_there_is_a_sentence_too() -> None:
    nowhere = Repository(api="http://127.0.0.1:9", name="a/b", token=TOKEN)
    with pytest.raises(GitHubError, match=r"^GitHub cannot be reached by GET http://127\.0\.0\.1:9/.*refused"):
        post(nowhere, MARKER, marker=MARKER, pull_request="7")
