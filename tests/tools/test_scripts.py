import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.tools.access.repository import Repository
from tests.tools.copies import CHECKOUT, REAL_PYTHON, RECORDER, SHELL, TOOLS, Copy

SCRIPTS = sorted(
    path.name for path in TOOLS.iterdir() if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh\n")
)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_the_scripts_are_found() -> None:
    assert {"destroy", "preview", "preview-pull-request", "test", "up", "with-cluster"} <= set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_shell_script_is_valid_and_may_be_run(name: str) -> None:
    file = TOOLS / name
    done = subprocess.run([SHELL, "-n", str(file)], capture_output=True, text=True, check=False)  # noqa: S603 - runs nothing
    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(file, os.X_OK)


def follows(calls: list[str], plan: list[tuple[str, str]]) -> bool:
    """True if these are the planned calls in order, each with its first word and one of its options."""
    return len(calls) == len(plan) and all(
        call.startswith(start) and part in call for call, (start, part) in zip(calls, plan, strict=True)
    )


IN_KIND = "with-cluster kind "
KEEPING = (IN_KIND, "python -m tools.volumes retain mlflow")
DESTRUCTION = [
    (IN_KIND, "python -m tools.torn_state"),
    (IN_KIND, "pulumi stack select dev"),
    (IN_KIND, "python -m tools.heal"),
    (IN_KIND, "pulumi stack output namespace"),
    KEEPING,
    (IN_KIND, "pulumi destroy --yes"),
    (IN_KIND, "python -m tools.volumes list mlflow"),
]
DEPLOYED = f'{RECORDER}case "$*" in *"output namespace") echo mlflow ;; esac\n'


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "yes\n", "prod\n", "dev2\n"])
def test_a_wrong_answer_destroys_nothing(copy: Copy, answer: str) -> None:
    done = copy.run("destroy", "dev", "kind", answer=answer)
    assert done.returncode == 1
    assert "Type the name of the stack" in done.stdout
    assert copy.calls == []


def test_a_refusal_is_told(copy: Copy) -> None:
    assert copy.run("destroy", "dev", "kind", answer="no\n").stdout.endswith("nothing was deleted\n")


def test_a_yes_for_another_stack_is_none_for_this_one(copy: Copy) -> None:
    assert copy.run("destroy", "dev", "kind", YES="prod").returncode == 1
    assert copy.calls == []


def test_the_stacks_name_destroys_it_once_its_volumes_are_kept(copy: Copy) -> None:
    copy.program("tools/with-cluster", DEPLOYED)
    assert copy.run("destroy", "dev", "kind", answer="dev\n").returncode == 0
    assert follows(copy.calls, DESTRUCTION)


def test_a_script_may_answer_beforehand(copy: Copy) -> None:
    copy.program("tools/with-cluster", DEPLOYED)
    done = copy.run("destroy", "dev", "kind", YES="dev")
    assert (done.returncode, done.stdout) == (0, "")
    assert follows(copy.calls, DESTRUCTION)


def test_volumes_that_cannot_be_kept_stop_the_destruction(copy: Copy) -> None:
    copy.program("tools/with-cluster", f'{DEPLOYED}case "$*" in *retain*) exit 1 ;; esac\n')
    assert copy.run("destroy", "dev", "kind", YES="dev").returncode == 1
    assert follows(copy.calls, DESTRUCTION[: 1 + DESTRUCTION.index(KEEPING)])


def test_a_half_deployed_stack_can_be_destroyed(copy: Copy) -> None:
    copy.program("tools/with-cluster", f'{RECORDER}case "$*" in *"output namespace") exit 255 ;; esac\n')
    copy.run("destroy", "dev", "kind", YES="dev")
    assert any("pulumi destroy" in call for call in copy.calls)


def test_a_half_deployed_stack_without_a_server_touches_no_volumes_of_another_one(copy: Copy) -> None:
    answers = 'case "$*" in *"output namespace"|*"get namespace") exit 255 ;; *server.kind) echo external ;; esac'
    copy.program("tools/with-cluster", f"{RECORDER}{answers}\n")
    assert copy.run("destroy", "dev", "kind", YES="dev").returncode == 0
    assert any("pulumi destroy" in call for call in copy.calls)
    assert not any("volumes" in call and "mlflow" in call.rpartition("volumes")[2] for call in copy.calls)


def test_a_stack_without_a_name_is_not_destroyed_unasked(copy: Copy) -> None:
    assert copy.run("destroy", "", "kind").returncode == 1
    assert copy.calls == []


ARCHIVED = f"""{RECORDER}case "$*" in
*"output namespace") echo mlflow ;;
*"get namespaces"*"metadata.name=team-c"*) echo namespace/team-c ;;
*exec*) cat >> "$CALLS" ;;
esac
"""
CHECKS = [
    (IN_KIND, "pulumi stack select dev"),
    (IN_KIND, "pulumi stack output namespace"),
    (IN_KIND, "mlflow-platform/archived=true"),
]


def purge(copy: Copy, team: str, answer: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    copy.program("tools/with-cluster", ARCHIVED)
    copy.program("tools/server/purge.py", "what runs in the pod\n")
    return copy.run("purge", "dev", "kind", team, answer=answer, **env)


@pytest.mark.parametrize("yes", ["", "team-d"])
def test_a_team_that_is_not_archived_is_not_purged_whatever_is_answered(copy: Copy, yes: str) -> None:
    done = purge(copy, "team-d", answer="team-d\n", YES=yes)
    assert done.returncode == 1
    assert "team team-d is not archived: set teams.team-d.archived to true" in done.stderr
    assert follows(copy.calls, CHECKS)


def test_data_on_a_server_of_somebody_else_is_not_purged(copy: Copy) -> None:
    copy.program("tools/with-cluster", RECORDER)
    done = copy.run("purge", "dev", "kind", "team-c", YES="team-c")
    assert done.returncode == 1
    assert "ask its operator to delete the data" in done.stderr
    assert follows(copy.calls, CHECKS[:2])


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "yes\n", "team-d\n", "dev\n"])
def test_a_wrong_answer_purges_nothing(copy: Copy, answer: str) -> None:
    done = purge(copy, "team-c", answer=answer, YES="dev")
    assert done.returncode == 1
    assert "Type the name of the team" in done.stdout
    assert follows(copy.calls, CHECKS)


@pytest.mark.parametrize(("answer", "yes"), [("team-c\n", ""), ("", "team-c")])
def test_the_teams_name_purges_it_in_the_servers_pod(copy: Copy, answer: str, yes: str) -> None:
    assert purge(copy, "team-c", answer=answer, YES=yes).returncode == 0
    *checks, execution, script = copy.calls
    assert follows(checks, CHECKS)
    assert "kubectl exec --stdin --namespace mlflow deployment/mlflow --container mlflow --" in execution
    assert execution.endswith("python3 -W ignore - team-c")
    assert script == "what runs in the pod"


def test_a_team_without_a_name_is_not_purged(copy: Copy) -> None:
    assert purge(copy, "").returncode == 1
    assert copy.calls == []


def test_a_context_is_used_with_the_users_own_pulumi_and_none_is_the_embedded_cluster(copy: Copy) -> None:
    copy.run("with-cluster", "kind", "pulumi", "up")
    copy.run("with-cluster", "", "pulumi", "up")
    assert copy.calls == ["python -m tools.context kind pulumi up", "python -m testbed exec -- pulumi up"]


CHECK = ("python", "-m tools.check dev")
DEPLOYMENT = [
    "python -m tools.torn_state",
    "pulumi stack select --create dev",
    "python -m tools.heal",
    "python -m tools.growth check dev",
    "python -m tools.preflight.ownership dev",
    "python -m tools.preflight.deletions dev",
    "pulumi up --yes",
    "python -m tools.smoke",
]
GROWING = "python -m tools.growth check dev"
SALT = "encryptionsalt: v1:abc\n"
CONFIG = "config:\n  mlflow-platform:host: mlflow.localhost\n"
SECRET = f"{CONFIG}  mlflow-platform:loginClientSecret:\n    secure: v1:def\n"
FAILING = f'{RECORDER}case "$*" in *"pulumi up"*) echo "{SALT.strip()}" >> Pulumi.dev.yaml; exit 1 ;; esac\n'


def stack_file(copy: Copy, content: str) -> Path:
    file = copy.folder / "Pulumi.dev.yaml"
    file.write_text(content, encoding="utf-8")
    return file


def test_up_heals_deploys_and_uses_the_platform(copy: Copy) -> None:
    stack_file(copy, CONFIG)
    assert copy.run("up", "dev", "kind", YES="dev").returncode == 0
    assert follows(copy.calls, [CHECK, *((IN_KIND, part) for part in DEPLOYMENT)])


def test_mistakes_in_the_stack_file_stop_an_up_before_the_cluster_is_started(copy: Copy) -> None:
    copy.program(".venv/bin/python", f'{RECORDER}case "$*" in *tools.check*) echo "host: is missing"; exit 1 ;; esac\n')
    done = copy.run("up", "dev", "")
    assert (done.returncode, done.stderr) == (1, "host: is missing\n")
    assert follows(copy.calls, [CHECK])


@pytest.mark.parametrize("yes", ["", "prod"])
def test_up_on_a_cluster_of_the_users_leaves_the_question_to_pulumi(copy: Copy, yes: str) -> None:
    copy.run("up", "dev", "kind", YES=yes)
    (deployment,) = [call for call in copy.calls if "pulumi up" in call]
    assert "--yes" not in deployment
    assert "--skip-preview" not in deployment


@pytest.mark.parametrize(("refresh", "refreshes"), [("yes", True), ("", False)])
def test_up_undoes_what_others_have_changed_if_it_is_asked_to(copy: Copy, refresh: str, *, refreshes: bool) -> None:
    stack_file(copy, CONFIG)
    copy.run("up", "dev", "", REFRESH=refresh)
    (deployment,) = [call for call in copy.calls if "pulumi up" in call]
    assert (" --refresh " in deployment) == refreshes


@pytest.mark.parametrize(("refresh", "forces"), [("yes", True), ("", False)])
def test_up_takes_fields_of_others_back_if_it_is_asked_to(copy: Copy, refresh: str, *, forces: bool) -> None:
    """Without the variable, the API server refuses to change a field of another field manager."""
    stack_file(copy, CONFIG)
    copy.run("up", "dev", "", REFRESH=refresh)
    (deployment,) = [call for call in copy.calls if "pulumi up" in call]
    assert ("exec env PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up " in deployment) == forces


def test_up_without_a_context_starts_the_embedded_cluster_first(copy: Copy) -> None:
    stack_file(copy, CONFIG)
    assert copy.run("up", "dev", "").returncode == 0
    assert follows(copy.calls, [CHECK, ("python", "-m testbed up"), *(("with-cluster  ", part) for part in DEPLOYMENT)])


def test_the_embedded_engines_salt_does_not_stay_in_the_stack_file(copy: Copy) -> None:
    file = stack_file(copy, SALT + CONFIG)
    copy.run("up", "dev", "")
    assert file.read_text(encoding="utf-8") == CONFIG


def test_not_even_after_a_deployment_that_failed(copy: Copy) -> None:
    copy.program("tools/with-cluster", FAILING)
    file = stack_file(copy, CONFIG)
    assert copy.run("up", "dev", "").returncode == 1
    assert file.read_text(encoding="utf-8") == CONFIG


@pytest.mark.parametrize(("content", "context"), [(SALT + SECRET, ""), (SALT + CONFIG, "kind")])
def test_a_salt_that_secrets_or_another_pulumi_need_stays(copy: Copy, content: str, context: str) -> None:
    file = stack_file(copy, content)
    copy.run("up", "dev", context)
    assert file.read_text(encoding="utf-8") == content


def test_a_preview_is_judged_by_the_policy_pack(copy: Copy) -> None:
    copy.run("preview", "dev")
    copy.run("preview", "dev", POLICY_PACK="/elsewhere")
    assert copy.calls[2::3] == [
        "pulumi preview --policy-pack policy --non-interactive",
        "pulumi preview --policy-pack /elsewhere --non-interactive",
    ]


GROWTH = 'case "$*" in *tools.growth*) exit 1 ;; esac\n'


def test_sizes_of_volumes_that_up_cannot_reach_stop_a_preview(copy: Copy) -> None:
    copy.program(".venv/bin/python", f"{RECORDER}{GROWTH}")
    assert copy.run("preview", "dev").returncode == 1
    assert copy.calls[-1] == "python -m tools.growth check dev"


def test_sizes_of_volumes_that_up_cannot_reach_stop_an_up_before_anything_is_changed(copy: Copy) -> None:
    copy.program("tools/with-cluster", f"{RECORDER}{GROWTH}")
    assert copy.run("up", "dev", "kind", YES="dev").returncode == 1
    assert follows(copy.calls, [CHECK, *((IN_KIND, part) for part in DEPLOYMENT[: 1 + DEPLOYMENT.index(GROWING)])])


POLICIES = "policy-config/dev.json"
WITH_POLICIES = f" --policy-pack-config={POLICIES}"


def policies(copy: Copy) -> None:
    """Add a configuration file for the policy pack."""
    file = copy.folder / POLICIES
    file.parent.mkdir()
    file.write_text("{}", encoding="utf-8")


def test_a_stacks_file_for_the_policy_pack_is_checked_and_passed(copy: Copy) -> None:
    policies(copy)
    copy.run("preview", "organization/project/dev")
    copy.run("up", "dev", "kind", YES="dev")
    copy.run("preview", "prod")
    assert copy.calls[0] == f"python -P -m tools.policy_config {POLICIES}"
    assert [WITH_POLICIES in call for call in copy.calls if "--policy-pack" in call] == [True, True, False]


@pytest.mark.parametrize("command", [("preview", "dev"), ("up", "dev", "kind")])
def test_a_mistake_in_that_file_stops_before_anything_else_is_done(copy: Copy, command: tuple[str, ...]) -> None:
    policies(copy)
    copy.program(".venv/bin/python", f"{RECORDER}exit 1\n")
    assert copy.run(*command).returncode == 1
    assert copy.calls == [f"python -P -m tools.policy_config {POLICIES}"]


CONFIG_MAP = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::a"
CREATED = "\n".join(
    json.dumps(event)
    for event in (
        {"resourcePreEvent": {"metadata": {"op": "create", "urn": CONFIG_MAP}}},
        {"summaryEvent": {"resourceChanges": {"create": 1}}},
    )
)


@pytest.fixture
def copy_of_ours(copy: Copy) -> Copy:
    """A copy of the script with the stack files, in a git repository."""
    Repository(copy.folder)
    return copy


def engine(copy: Copy, prod: str) -> None:
    """Make the engine preview one additional ConfigMap for every stack, and these events for `prod`."""
    copy.program(
        ".venv/bin/pulumi", f"{RECORDER}case \"$*\" in *'--stack prod'*) {prod} ;; *) echo '{CREATED}' ;; esac\n"
    )
    copy.program(".venv/bin/python", f"#!/bin/sh\n{REAL_PYTHON}\n")


def test_a_pull_requests_previews_become_one_comment(copy_of_ours: Copy) -> None:
    engine(copy_of_ours, f"echo '{CREATED}'")
    done = copy_of_ours.run("preview-pull-request", "dev", "prod", PREVIEW_OPTIONS="--diff --refresh")
    assert done.returncode == 0
    headings = ("## ", "<details>")
    assert [line for line in done.stdout.splitlines() if line.startswith(headings)] == [
        "## dev: safe to apply",
        "<details><summary>Changes: 1 to create</summary>",
        "## prod: safe to apply",
        "<details><summary>Changes: 1 to create</summary>",
    ]
    assert copy_of_ours.calls == [
        f"pulumi preview --stack {stack} --json --policy-pack policy --non-interactive --diff --refresh"
        for stack in ("dev", "prod")
    ]


def test_a_pull_requests_preview_has_the_stacks_file_for_the_policy_pack(copy_of_ours: Copy) -> None:
    engine(copy_of_ours, f"echo '{CREATED}'")
    policies(copy_of_ours)
    assert copy_of_ours.run("preview-pull-request", "dev", "prod").returncode == 0
    assert [WITH_POLICIES in call for call in copy_of_ours.calls] == [True, False]


def test_a_mistake_in_that_file_is_a_failed_preview(copy_of_ours: Copy) -> None:
    engine(copy_of_ours, f"echo '{CREATED}'")
    policies(copy_of_ours)
    (copy_of_ours.folder / POLICIES).write_text('{"x": "advisory"}', encoding="utf-8")
    done = copy_of_ours.run("preview-pull-request", "dev")
    assert done.returncode == 2
    assert f"{POLICIES}: x is not a rule of this pack" in done.stderr
    assert "## dev: would fail" in done.stdout
    assert copy_of_ours.calls == []


def test_the_comment_compares_access_with_the_base(copy_of_ours: Copy) -> None:
    engine(copy_of_ours, f"echo '{CREATED}'")
    file = copy_of_ours.folder / "Pulumi.dev.yaml"
    teams = "mlflow-platform:teams:\n"
    file.write_text(file.read_text(encoding="utf-8").replace(teams, f"{teams}    team-c: {{}}\n"), encoding="utf-8")
    since_the_commit = copy_of_ours.run("preview-pull-request", "dev")
    assert "**Team team-c** is new" in since_the_commit.stdout
    assert copy_of_ours.run("preview-pull-request", "dev", BASE="HEAD").stdout == since_the_commit.stdout
    unknown = copy_of_ours.run("preview-pull-request", "dev", BASE="HEAD^1")
    assert unknown.returncode == 2
    assert "there is no git revision `HEAD^1` here" in unknown.stdout


def test_a_preview_that_fails_fails_the_workflow_and_the_others_are_told(copy_of_ours: Copy) -> None:
    error = json.dumps({"diagnosticEvent": {"severity": "error", "message": "no such cluster"}})
    engine(copy_of_ours, f"echo '{error}'; exit 255")
    done = copy_of_ours.run("preview-pull-request", "prod", "dev")
    assert done.returncode == 2
    assert "## dev: safe to apply" in done.stdout
    assert "## prod: would fail, do not approve\n" in done.stdout
    assert "```\nno such cluster\n```" in done.stdout


def test_a_preview_that_could_not_even_start_is_not_told_as_no_changes(copy_of_ours: Copy) -> None:
    engine(copy_of_ours, "echo 'error: no stack named prod found' >&2; exit 255")
    done = copy_of_ours.run("preview-pull-request", "dev", "prod")
    assert done.returncode == 2
    assert "error: no stack named prod found" in done.stderr
    assert "changes nothing" not in done.stdout


def test_the_preview_and_the_comment_may_be_made_on_two_machines(copy_of_ours: Copy) -> None:
    """One machine runs the pull request's program, the other one has a token with write access."""
    engine(copy_of_ours, "echo 'no such cluster' >&2; exit 255")
    at_once = copy_of_ours.run("preview-pull-request", "dev", "prod")
    calls = copy_of_ours.calls
    previewed = copy_of_ours.run("preview-pull-request", "--events", "events", "dev", "prod")
    assert (previewed.returncode, previewed.stdout) == (1, "")
    assert copy_of_ours.calls == [*calls, *calls]
    commented = copy_of_ours.run("preview-pull-request", "--comment", "events", "dev", "prod")
    assert (commented.returncode, commented.stdout) == (2, at_once.stdout)
    assert copy_of_ours.calls == [*calls, *calls]


def test_the_comment_runs_nothing_of_the_pull_request(
    copy_of_ours: Copy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    engine(copy_of_ours, f"echo '{CREATED}'")
    copy_of_ours.run("preview-pull-request", "--events", "events", "dev")
    folder = tmp_path_factory.mktemp("proposed")
    Repository(folder)
    for module in ("tools/__init__.py", "tools/plan/__init__.py", "settings/__init__.py", "yaml.py"):
        (folder / module).parent.mkdir(parents=True, exist_ok=True)
        (folder / module).write_text("raise SystemExit('the code of the pull request')\n", encoding="utf-8")
    commented = subprocess.run(  # noqa: S603 - a copy of the script among fakes
        [copy_of_ours.folder / "tools" / "preview-pull-request", "--comment", copy_of_ours.folder / "events", "dev"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (commented.returncode, commented.stderr) == (0, "")
    assert "Changes: 1 to create" in commented.stdout


DIGEST = f"sha256:{'1' * 64}"
DOCKER = f"""#!/bin/sh
echo "docker $*" >> "$CALLS"
[ "$1" != image ] || echo "registry.example.com/mlflow@{DIGEST}"
"""


def test_an_image_is_built_pushed_and_named_by_its_digest(copy: Copy) -> None:
    copy.program(".venv/bin/docker", DOCKER)
    done = copy.run("image", "registry.example.com/mlflow:1.2.3")
    assert done.stdout == f"server.image: registry.example.com/mlflow:1.2.3@{DIGEST}\n"
    assert copy.calls[:2] == [
        "docker build --tag registry.example.com/mlflow:1.2.3 images/mlflow",
        "docker push registry.example.com/mlflow:1.2.3",
    ]


def test_what_could_not_be_pushed_is_not_named(copy: Copy) -> None:
    copy.program(".venv/bin/docker", '#!/bin/sh\n[ "$1" != push ]\n')
    done = copy.run("image", "registry.example.com/mlflow:1.2.3")
    assert (done.returncode, done.stdout) == (1, "")


def pinned(copy: Copy) -> None:
    """Pin the image to one version of MLflow."""
    requirements = copy.folder / "images" / "mlflow" / "requirements.in"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("mlflow==1.2.3\nboto3>=1\n", encoding="utf-8")


def test_an_image_without_a_name_is_not_built(copy: Copy) -> None:
    pinned(copy)
    done = copy.run("image", "")
    assert (done.returncode, copy.calls) == (1, [])
    assert done.stderr.endswith("for example IMAGE=registry.example.com/mlflow-platform/mlflow:1.2.3\n")


LOCAL = "localhost/mlflow-platform/mlflow:1"
LOADERS = {
    "kind-mine": "kind load image-archive image.tar --name mine",
    "k3d-mine": "k3d image import image.tar --cluster mine",
}


def local_cluster(copy: Copy) -> None:
    """Builder, kind and k3d that write down their calls, without the folder of the archive: its name is random."""
    for name in ("docker", "podman", "kind", "k3d"):
        copy.program(
            f".venv/bin/{name}",
            f'#!/bin/sh\necho "{name} $*" | sed "s| /[^ ]*/image.tar| image.tar|" >> "$CALLS"\n',
        )


@pytest.mark.parametrize("context", LOADERS)
@pytest.mark.parametrize("builder", ["docker", "podman"])
def test_an_image_reaches_a_local_cluster_without_a_registry(copy: Copy, context: str, builder: str) -> None:
    local_cluster(copy)
    done = copy.run("image", LOCAL, context, BUILDER=builder)
    assert (done.returncode, done.stdout) == (0, f"server.image: {LOCAL}\n")
    assert copy.calls == [
        f"{builder} build --tag {LOCAL} images/mlflow",
        f"{builder} save --output image.tar {LOCAL}",
        LOADERS[context],
    ]


def test_docker_desktops_cluster_needs_no_loading(copy: Copy) -> None:
    local_cluster(copy)
    assert copy.run("image", LOCAL, "docker-desktop").returncode == 0
    assert copy.calls == [f"docker build --tag {LOCAL} images/mlflow"]


def test_a_local_cluster_gets_the_image_that_the_stack_file_names(copy_of_ours: Copy) -> None:
    local_cluster(copy_of_ours)
    copy_of_ours.program(".venv/bin/python", f"#!/bin/sh\n{REAL_PYTHON}\n")
    file = copy_of_ours.folder / "Pulumi.dev.yaml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]["mlflow-platform:server"]["image"]
    done = copy_of_ours.run("image", "", "kind-mine", "dev")
    assert done.stdout == f"server.image: {written}\n"
    assert f"docker build --tag {written} images/mlflow" in copy_of_ours.calls


@pytest.mark.parametrize("context", ["my-cluster", "kind-", "k3d-", "minikube"])
def test_a_cluster_that_no_image_can_be_loaded_into_is_refused_before_anything_is_built(
    copy: Copy, context: str
) -> None:
    local_cluster(copy)
    pinned(copy)
    done = copy.run("image", LOCAL, context)
    assert done.returncode == 1
    assert f"context {context}: expected kind-NAME, k3d-NAME or docker-desktop" in done.stderr
    assert done.stderr.endswith("make image IMAGE=registry.example.com/mlflow-platform/mlflow:1.2.3\n")
    assert copy.calls == []


def test_an_image_that_could_not_be_loaded_is_not_named(copy: Copy) -> None:
    local_cluster(copy)
    copy.program(".venv/bin/kind", "#!/bin/sh\nexit 1\n")
    done = copy.run("image", LOCAL, "kind-mine")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("name", ["image", "picture"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_a_script_with_options_explains_them(copy: Copy, name: str, option: str) -> None:
    done = copy.run(name, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{name}")
    assert "#" not in done.stdout
    assert copy.calls == []


def test_a_picture_names_the_source_that_it_was_rendered_from(copy: Copy) -> None:
    copy.program(".venv/bin/dot", '#!/bin/sh\necho "<svg/>"\n')
    copy.program(".venv/bin/python", f"#!/bin/sh\n{REAL_PYTHON}\n")
    source = copy.folder / "docs" / "images" / "one.dot"
    source.parent.mkdir(parents=True)
    source.write_text("digraph {}\n", encoding="utf-8")
    assert copy.run("picture").stdout == "docs/images/one.svg\n"
    rendered = source.with_suffix(".svg").read_text(encoding="utf-8")
    assert rendered == f"<svg/>\n<!-- sha256 of the source: {hashlib.sha256(source.read_bytes()).hexdigest()} -->\n"


@pytest.mark.parametrize("failing", ["", "pytest", "pyright"])
def test_what_the_type_checker_finds_is_printed_and_either_failure_fails_the_run(copy: Copy, failing: str) -> None:
    for name in ("ruff", "pytest", "pyright"):
        says = "a.py:1 - error\n1 error, 0 warnings" if name == failing else "0 errors, 0 warnings"
        copy.program(f".venv/bin/{name}", f'{RECORDER}echo "{says}"\nexit {int(name == failing)}\n')
    done = copy.run("test")
    assert done.returncode == int(bool(failing))
    assert ("a.py:1 - error" in done.stderr) == (failing == "pyright")
    assert "pyright: " in done.stdout
