import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.access.parts import TEAMS, from_to
from tests.tools.access.repository import Repository
from tests.tools.github import GitHub, serving
from tools.preview_comment import LONGEST, MARKER, Change, Preview, access_summary, comment, main, parse, summary
from tools.pull_request import post

# What GitHub takes.
GITHUBS_LIMIT = 65_536
TOKEN = "ours"  # noqa: S105 - opens nothing but the stand-in

# Lines of the real engine, without the resources' states.
URN = "urn:pulumi:dev::mlflow-platform::mlflow-platform:index:"
MIGRATION = URN + "SchemaMigration$kubernetes:batch/v1:Job::migration-job"
ALLOWED = "spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation"
EVENTS: list[dict[str, object]] = [
    {"sequence": 0, "timestamp": 1795257646, "policyLoadEvent": {}},
    {
        "sequence": 1,
        "diagnosticEvent": {"prefix": "warning: ", "message": "using a plugin from $PATH\n", "severity": "warning"},
    },
    {
        "sequence": 192,
        "resourcePreEvent": {
            "metadata": {
                "op": "same",
                "urn": "urn:pulumi:dev::mlflow-platform::pulumi:pulumi:Stack::mlflow-platform-dev",
                "type": "pulumi:pulumi:Stack",
                "detailedDiff": None,
            },
            "planning": True,
        },
    },
    {
        "sequence": 420,
        "resourcePreEvent": {
            "metadata": {
                "op": "update",
                "urn": URN + "Workspace$kubernetes:core/v1:Namespace::team-b-namespace",
                "detailedDiff": {
                    'metadata.annotations["mlflow.kubeflow.org/workspace-description"]': {"diffKind": "update"}
                },
            },
        },
    },
    {
        "sequence": 705,
        "policyEvent": {
            "resourceUrn": MIGRATION,
            "message": (
                "Pods meet the restricted Pod Security Standard.\n"
                "container `migrate`: securityContext.allowPrivilegeEscalation must be false\n"
            ),
            "policyName": "pods-are-restricted",
            "enforcementLevel": "mandatory",
        },
    },
    {
        "sequence": 707,
        "resourcePreEvent": {
            "metadata": {
                "op": "create-replacement",
                "urn": MIGRATION,
                "detailedDiff": {ALLOWED: {"diffKind": "update-replace", "inputDiff": False}},
            }
        },
    },
    {
        "sequence": 718,
        "resourcePreEvent": {
            "metadata": {
                "op": "replace",
                "urn": MIGRATION,
                "detailedDiff": {ALLOWED: {"diffKind": "update-replace", "inputDiff": False}},
            }
        },
    },
    {
        "sequence": 755,
        "resourcePreEvent": {"metadata": {"op": "delete-replaced", "urn": MIGRATION, "detailedDiff": None}},
    },
    {
        "sequence": 760,
        "diagnosticEvent": {"prefix": "error: ", "message": "preview failed\n", "severity": "error"},
    },
    {"sequence": 761, "summaryEvent": {"resourceChanges": {"replace": 2, "same": 79}, "result": "failed"}},
]


def stream(*events: dict[str, object]) -> str:
    """As the engine writes them."""
    return "".join(f"{json.dumps(event)}\n" for event in events)


def changes(op: str, *names: str) -> tuple[Change, ...]:
    return tuple(Change(op=op, name=name, changed=()) for name in names)


def preview(*made: Change, violations: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> Preview:
    return Preview(changes=made, violations=violations, errors=errors)


@pytest.fixture(scope="module")
def server() -> Iterator[GitHub]:
    """One for all, because stopping it takes half a second."""
    with serving(TOKEN) as github:
        yield github


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """GitHub, with nothing written or asked yet."""
    server.refusal = None
    server.comments.clear()
    server.requests.clear()
    return server


def send(github: GitHub, text: str, token: str = TOKEN) -> str:
    return post(text, marker=MARKER, api=github.url, repository="example/platform", pull_request="7", token=token)


def test_the_engines_events_become_changes_violations_and_errors() -> None:
    assert parse(stream(*EVENTS)) == Preview(
        changes=(
            Change(
                op="update",
                name="Namespace team-b-namespace",
                changed=('metadata.annotations["mlflow.kubeflow.org/workspace-description"]',),
            ),
            Change(op="replace", name="Job migration-job", changed=(ALLOWED,)),
        ),
        violations=(
            (
                "pods-are-restricted (mandatory): Job migration-job: container `migrate`:"
                " securityContext.allowPrivilegeEscalation must be false"
            ),
        ),
        errors=("preview failed",),
    )


def test_blank_lines_between_events_are_nothing() -> None:
    assert parse(f"\n{stream(EVENTS[3])}\n\n") == parse(stream(EVENTS[3]))


def test_a_rule_about_the_whole_stack_names_the_stack() -> None:
    event: dict[str, object] = {
        "policyEvent": {"message": "Closed.\nb is open\n", "policyName": "closed", "enforcementLevel": "advisory"}
    }
    assert parse(stream(event)).violations == ("closed (advisory): the stack: b is open",)


def test_a_rule_that_says_nothing_more_than_its_description_is_told_by_it() -> None:
    event: dict[str, object] = {
        "policyEvent": {"message": "Closed.\n", "policyName": "closed", "enforcementLevel": "mandatory"}
    }
    assert parse(stream(event)).violations == ("closed (mandatory): the stack: Closed.",)


@pytest.mark.parametrize("text", ["error: no such stack", "{\n}"])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse(text)


def test_the_headline_counts_each_kind_of_change() -> None:
    made = preview(*changes("update", "Job b"), *changes("create", "Pod a", "Pod b"))
    assert summary("dev", made).splitlines()[0] == "### `dev`: 2 to create, 1 to update"


def test_what_is_taken_over_is_listed() -> None:
    event: dict[str, object] = {
        "resourcePreEvent": {"metadata": {"op": "import", "urn": f"{URN}Bucket$kubernetes:core/v1:Secret::old"}}
    }
    text = summary("dev", parse(stream(event, EVENTS[-1])))
    assert text.startswith("### `dev`: 1 to import")
    assert "= Secret old" in text.splitlines()


def test_a_stack_that_stays_as_it_is_says_so() -> None:
    assert summary("prod", preview()) == "### `prod`: no changes"


def test_all_changes_are_a_folded_diff_in_a_steady_order() -> None:
    made = preview(
        *changes("update", "Job b"),
        Change(op="update", name="Job a", changed=("spec.x", "spec.y")),
        *changes("create", "Pod z"),
    )
    assert summary("dev", made).split("\n\n", 1)[1] == (
        "<details><summary>All changes</summary>\n\n```diff\n+ Pod z\n~ Job a: spec.x, spec.y\n~ Job b\n```\n</details>"
    )


def test_what_is_deleted_or_replaced_stands_outside_the_folded_part() -> None:
    made = preview(
        *changes("replace", "StatefulSet postgres-server"),
        *changes("delete", "Namespace team-b"),
        *changes("update", "Job a"),
    )
    lines = summary("dev", made).splitlines()
    emphasised = "**Deleted or replaced:** `Namespace team-b`, `StatefulSet postgres-server`"
    assert emphasised in lines[: lines.index("<details><summary>All changes</summary>")]
    assert "- Namespace team-b" in lines
    assert "± StatefulSet postgres-server" in lines


def test_harmless_changes_are_not_emphasised() -> None:
    assert "Deleted or replaced" not in summary("dev", preview(*changes("create", "Pod a"), *changes("update", "Job")))


def test_broken_rules_are_listed() -> None:
    lines = summary("dev", preview(violations=("first: Pod a: bad", "second: Pod b: worse"))).splitlines()
    assert lines[2:] == ["**Policy violations:**", "", "- first: Pod a: bad", "- second: Pod b: worse"]


def test_a_failed_preview_says_so_and_why() -> None:
    text = summary("dev", preview(*changes("create", "Pod a"), errors=("no such cluster",)))
    assert text.startswith("### `dev`: the preview failed\n\n```\nno such cluster\n```\n")


def test_the_comment_carries_the_marker_and_every_stack_in_order() -> None:
    lines = comment({"prod": preview(), "dev": preview()}).splitlines()
    assert lines[0] == MARKER
    assert [line for line in lines if line.startswith("### ")] == ["### `prod`: no changes", "### `dev`: no changes"]
    assert "Shortened" not in lines[-1]


INTERNS = {**TEAMS, "research": {"groups": {"manager": ["research-mlflow-users"], "viewer": ["interns"]}}}
GAIN = "**Group interns** gains *read* on team research (experiments, datasets, registered models)"


def test_who_gains_access_comes_before_everything_else() -> None:
    access = {"dev": from_to(TEAMS, TEAMS), "prod": from_to(TEAMS, INTERNS)}
    text = comment({"dev": preview(), "prod": preview(*changes("update", "RoleBinding b"))}, access)
    assert text.split("\n\n") == [
        MARKER,
        "## Who gains or loses access",
        "**`dev`**: nobody gains or loses access.",
        "**`prod`**:",
        f"- {GAIN}",
        "## What this pull request changes",
        "### `dev`: no changes",
        "### `prod`: 1 to update",
        "<details><summary>All changes</summary>",
        "```diff\n~ RoleBinding b\n```\n</details>",
    ]


def test_a_sentence_stands_where_access_cannot_be_compared() -> None:
    assert access_summary("dev", "There is nothing to compare with.") == "**`dev`**: There is nothing to compare with."


def test_a_long_list_of_gains_is_shortened_and_hides_no_other_stack() -> None:
    many: dict[str, object] = {f"team-{number:04}": {} for number in range(2000)}
    access = {"dev": from_to(TEAMS, many), "prod": from_to(TEAMS, INTERNS)}
    text = comment({"dev": preview(), "prod": preview()}, access)
    assert len(text) <= LONGEST
    assert "more in the log of the workflow" in text
    assert GAIN in text


MANY = [f"ConfigMap {'x' * 200}-{number}" for number in range(2 * LONGEST // 200)]
LONG = {
    "the diff": preview(*changes("create", *MANY)),
    "the broken rules": preview(violations=tuple(MANY)),
    "the errors": preview(errors=tuple(MANY)),
    "the emphasised names": preview(*changes("delete", *MANY)),
}


@pytest.mark.parametrize(
    "where",
    ["the diff", "the broken rules", "the errors", "the emphasised names"],
)
def test_a_long_comment_is_shortened_to_what_github_takes_with_its_fences_closed(where: str) -> None:
    text = comment({"dev": LONG[where], "prod": preview()})
    assert text.startswith(MARKER)
    assert len(text) <= LONGEST < GITHUBS_LIMIT
    assert "more in the log of the workflow" in text
    assert text.endswith("### `prod`: no changes")
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert len(fences) % 2 == 0


def test_shortening_one_stack_hides_no_danger_of_the_next() -> None:
    text = comment({"dev": LONG["the diff"], "prod": preview(*changes("delete", "StatefulSet postgres"))})
    assert "**Deleted or replaced:** `StatefulSet postgres`" in text


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


def test_a_comment_on_a_later_page_is_found(github: GitHub) -> None:
    for number in range(250):
        github.add(f"remark {number}")
    github.add(f"{MARKER}\nfirst")
    send(github, f"{MARKER}\nsecond")
    assert github.requests == ["GET", "GET", "GET", "PATCH"]
    assert github.comments[-1]["body"] == f"{MARKER}\nsecond"
    assert len(github.comments) == 251


def test_a_token_that_github_does_not_know_ends_with_a_sentence(github: GitHub) -> None:
    with pytest.raises(SystemExit) as refused:
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
    with pytest.raises(SystemExit) as refused:
        send(github, MARKER)
    assert f"GitHub answered {status} to GET" in str(refused.value)
    assert f": {reason}" in str(refused.value)


def test_a_github_that_is_not_there_is_a_sentence_too() -> None:
    with pytest.raises(SystemExit, match=r"^GitHub cannot be reached by GET http://127\.0\.0\.1:9/.*refused"):
        post(MARKER, marker=MARKER, api="http://127.0.0.1:9", repository="a/b", pull_request="7", token=TOKEN)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "dev.json"
    file.write_text(stream(*EVENTS), encoding="utf-8")
    return file


def test_without_post_the_comment_goes_to_standard_output(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([f"dev={events}"])
    assert capsys.readouterr().out == comment({"dev": parse(stream(*EVENTS))}) + "\n"


def test_access_is_compared_with_the_revision(
    events: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.add_interns()
    (repository.folder / "Pulumi.staging.yaml").write_bytes((repository.folder / "Pulumi.prod.yaml").read_bytes())
    main(["--against", "main", f"dev={events}", f"prod={events}", f"staging={events}"])
    access = capsys.readouterr().out.partition("## What this pull request changes")[0]
    assert "**`dev`**: nobody gains or loses access." in access
    assert access.count("**Group pricing-interns** gains *read* on team pricing") == 2
    assert "**Team research** is new" in access


def test_a_stack_file_that_cannot_be_read_stops_no_comment(
    events: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.change("dev", "profile: evaluation", "profil: evaluation")
    repository.commit()
    repository.git("checkout", "--quiet", "HEAD~1", "--", ".")
    repository.change("prod", "profile: production", "profile: none")
    main(["--against", "HEAD", f"dev={events}", f"prod={events}"])
    text = capsys.readouterr().out
    assert "**`dev`**: The stack file at `HEAD` has an older format, so that access cannot be compared." in text
    assert "**`prod`**: The stack file has mistakes, so that access is unknown" in text


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision_is_told_and_fails(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="access cannot be compared with nowhere"):
        main(["--against", "nowhere", f"dev={events}"])
    assert "**`dev`**: Access cannot be compared: there is no git revision `nowhere` here" in capsys.readouterr().out


def test_with_post_the_comment_goes_to_the_pull_request(
    events: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "example/platform",
        "GITHUB_API_URL": github.url,
        "PULL_REQUEST": "7",
    }.items():
        monkeypatch.setenv(name, value)
    main(["--post", f"dev={events}"])
    assert [found["body"] for found in github.comments] == [comment({"dev": parse(stream(*EVENTS))})]


def test_post_names_the_variable_that_is_not_set(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/platform")
    monkeypatch.delenv("PULL_REQUEST", raising=False)
    with pytest.raises(SystemExit, match="'PULL_REQUEST' is not set"):
        main(["--post", f"dev={events}"])


def test_a_file_that_is_not_there_or_holds_no_events_is_named(tmp_path: Path) -> None:
    missing, digest = tmp_path / "missing.json", tmp_path / "digest.json"
    digest.write_text('{\n  "steps": []\n}', encoding="utf-8")
    for file in (missing, digest):
        with pytest.raises(SystemExit, match=f"^dev={file}: expected STACK=FILE"):
            main([f"dev={file}"])
