"""Command line and files of each scanner. Scanners read files only: no network, no cluster, no configuration."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.scan import findings, programs
from tools.scan.findings import Finding, OutputError, Reader
from tools.scan.rendered import Scanned
from tools.versions import CHECKOUT

# The oldest release that README.md supports: kube-score judges API versions by it.
KUBERNETES = "v1.30"
DOCKERFILE = CHECKOUT / "images" / "mlflow" / "Dockerfile"
WORKFLOWS = CHECKOUT / ".github" / "workflows"
OF_STACKS = ("checkov", "kube-score", "pod-security")
OF_FILES = ("zizmor", "actionlint")
SCANNERS = (*OF_STACKS, *OF_FILES)
SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One run of a scanner."""

    scanner: str
    command: Sequence[str | Path]
    reader: Reader
    targets: Mapping[str, str]
    given: str = ""
    """Standard input."""


def install(names: Sequence[str], say: Callable[[str], None]) -> dict[str, Path]:
    """The path of each scanner's program; those that are missing are installed.

    Raises:
        tools.scan.programs.InstallError: one of them could not be installed.
    """
    try:
        return {
            name: (programs.go_program if name in programs.GO_PACKAGES else programs.python_program)(name, say)
            for name in names
        }
    finally:
        programs.remove_scrap()


def tasks(program: Mapping[str, Path], scanned: Sequence[Scanned]) -> list[Task]:
    """The runs of these programs over stacks, image and workflows.

    Each stack has its own run: a NetworkPolicy of one stack must not count for a pod of another one.
    """
    found = [task for one in scanned for task in _of_stack(program, one)]
    workflows = sorted(WORKFLOWS.glob("*.yml"))
    named = {file.name: str(file.relative_to(CHECKOUT)) for file in [*workflows, DOCKERFILE]}
    if "checkov" in program:
        command = [program["checkov"], *_CHECKOV, "--framework", "dockerfile", "--file", DOCKERFILE]
        found.append(Task(scanner="checkov", command=command, reader=findings.checkov, targets=named))
    if "zizmor" in program:
        command = [program["zizmor"], "--offline", "--no-progress", "--no-exit-codes", "--format", "json", *workflows]
        found.append(Task(scanner="zizmor", command=command, reader=findings.zizmor, targets=named))
    if "actionlint" in program:
        # Without shellcheck and pyflakes, which some machines have and others do not.
        command = [program["actionlint"], "-shellcheck=", "-pyflakes=", "-format", "{{json .}}", *workflows]
        found.append(Task(scanner="actionlint", command=command, reader=findings.actionlint, targets=named))
    return found


_CHECKOV = ("--output", "json", "--quiet", "--compact", "--skip-download")


def _of_stack(program: Mapping[str, Path], one: Scanned) -> list[Task]:
    found: list[Task] = []
    if "checkov" in program:
        command = [program["checkov"], *_CHECKOV, "--framework", "kubernetes", "--directory", one.folder]
        found.append(Task(scanner="checkov", command=command, reader=findings.checkov, targets=one.targets))
    if "kube-score" in program:
        files = [one.folder / name for name in one.targets]
        command = [
            program["kube-score"],
            "score",
            "--output-format",
            "json",
            "--kubernetes-version",
            KUBERNETES,
            *files,
        ]
        found.append(Task(scanner="kube-score", command=command, reader=findings.kube_score, targets=one.targets))
    if "pod-security" in program:
        lines = [
            json.dumps({"name": name, "metadata": pod.get("metadata", {}), "spec": pod["spec"]})
            for name, pod in one.pods.items()
        ]
        found.append(
            Task(
                scanner="pod-security",
                command=[program["pod-security"]],
                reader=findings.pod_security,
                targets=one.targets,
                given="\n".join(lines),
            )
        )
    return found


def run(planned: Sequence[Task]) -> list[Finding]:
    """Findings of the scanners, as many of which run at a time as there are processors.

    Raises:
        OutputError: one of them failed.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [finding for found in pool.map(_run, planned) for finding in found]


def _run(task: Task) -> list[Finding]:
    # With findings, scanners end with 1.
    done = subprocess.run(task.command, input=task.given, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode not in (0, 1) or (done.returncode and not done.stdout.strip()):
        raise OutputError(f"{task.scanner} failed with exit code {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    try:
        return list(task.reader(done.stdout, task.targets))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OutputError(
            f"the output of {task.scanner} differs from that of version {programs.version(task.scanner)}: {error!r}"
        ) from None
