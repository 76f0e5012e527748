"""Cost of the components: CPU seconds of a preview, compared with a flat program (same objects, no components).

Run by `make bench`. One preview of the dev stack with twenty teams lists the objects. The flat program is generated: it
creates the same objects from literals. Both programs are previewed in turn. The engine waits for the processes that it
starts, so that the CPU time includes engine, language host, program and plugins.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
TEAMS = 20
RUNS = 3
AUTONAMED = "pulumi.com/autonamed"
# Maximum cost of the component program, relative to the flat one.
GOAL = 1.15
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the engine's marker of secrets in JSON

FLAT = """
import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

CLASSES = {
%(classes)s
}
cluster = k8s.Provider("cluster")
opts = {
    "kubernetes": pulumi.ResourceOptions(provider=cluster),
    "random": pulumi.ResourceOptions(provider=random.Provider("random")),
}
for item in json.loads(Path("objects.json").read_text()):
    CLASSES[item["type"]](item["name"], **item["args"], opts=opts[item["type"].partition(":")[0]])
"""


def platform_config(teams: int) -> dict[str, Any]:
    """Configuration of the dev stack with this many teams."""
    document: dict[str, Any] = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    committed = document["config"]["mlflow-platform:teams"]
    document["config"]["mlflow-platform:teams"] = committed | {
        f"bench-{number:02d}": {"description": f"Team {number}"} for number in range(len(committed) + 1, teams + 1)
    }
    document["config"]["mlflow-platform:namespace"] = "bench-platform"
    document.pop("encryptionsalt", None)
    return document


def class_of(token: str) -> str:
    """The Python expression for the SDK's class of a Pulumi type token."""
    package, module, name = token.split(":")
    if package == "random":
        return f"random.{name}"
    group, version = module.split("/")
    return f"k8s.{group.partition('.')[0]}.{version}.{name}"


def snake(key: str) -> str:
    """Convert the camelCase name of a property to the snake_case name of the Python SDK's argument."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON with ordinary strings in place of secrets and unknown values."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if SECRET_MARK in fields:
            return "secret"
        return {key: plain(item) for key, item in fields.items() if not key.startswith("__")}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [plain(item) for item in items]
    return "unknown" if value == UNKNOWN else value


def objects(preview: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Type, name and arguments of every custom resource in a preview."""
    found: list[dict[str, Any]] = []
    for step in preview["steps"]:
        state = step.get("newState", {})
        token = str(state.get("type", ""))
        if token.startswith(("kubernetes:", "random:")):
            inputs = {key: value for key, value in state["inputs"].items() if key not in ("apiVersion", "kind")}
            arguments: dict[str, Any] = {snake(key): plain(value) for key, value in inputs.items()}
            if "string_data" in arguments:
                # A preview has one marker for the whole map; the keys are those of a TLS Secret.
                arguments["string_data"] = {"tls.crt": "secret", "tls.key": "secret"}
            if not isinstance(arguments.get("data", {}), dict):
                arguments["data"] = {"unknown": "unknown"}
            if arguments.get("metadata", {}).get("annotations", {}).pop(AUTONAMED, None):
                del arguments["metadata"]["name"]
            found.append({"type": token, "name": state["urn"].rsplit("::", 1)[1], "args": arguments})
    return found


def preview(folder: Path, *options: str) -> tuple[str, float]:
    """Run one preview, and return its output and CPU seconds.

    Raises:
        SystemExit: the preview failed; the message has its output.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["pulumi", "preview", "--stack", "bench", "--non-interactive", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"the preview in {folder} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(folder: Path) -> tuple[Path, Path]:
    """Create a copy of the platform with twenty teams, and an empty flat program; returns both directories."""
    platform, flat = folder / "platform", folder / "flat"
    shutil.copytree(
        CHECKOUT,
        platform,
        ignore=shutil.ignore_patterns(".git", ".venv", "tests", "docs", "__pycache__", "Pulumi.*.yaml"),
    )
    (platform / "Pulumi.bench.yaml").write_text(yaml.safe_dump(platform_config(TEAMS)), encoding="utf-8")
    flat.mkdir()
    project = {"name": "flat", "runtime": {"name": "python", "options": {"toolchain": "uv"}}}
    (flat / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (folder / "state").mkdir()
    os.environ["PULUMI_BACKEND_URL"] = f"file://{folder}/state"
    for program in (platform, flat):
        subprocess.run(
            ["pulumi", "stack", "init", "bench", "--non-interactive"], cwd=program, check=True, capture_output=True
        )
    return platform, flat


def main() -> None:
    """Measure both programs and print the CPU seconds; the exit code does not depend on the result."""
    with tempfile.TemporaryDirectory(prefix="preview-cost-") as name:
        platform, flat = prepare(Path(name))
        found = objects(json.loads(preview(platform, "--json")[0]))
        classes = "\n".join(f'    "{token}": {class_of(token)},' for token in sorted({item["type"] for item in found}))
        (flat / "__main__.py").write_text(FLAT % {"classes": classes}, encoding="utf-8")
        (flat / "objects.json").write_text(json.dumps(found), encoding="utf-8")
        # Once without measuring, so that compiling bytecode does not count.
        preview(flat)
        seconds: dict[str, list[float]] = {"components": [], "flat": []}
        for _ in range(RUNS):
            seconds["components"].append(preview(platform)[1])
            seconds["flat"].append(preview(flat)[1])
    middle = {shape: statistics.median(values) for shape, values in seconds.items()}
    print(f"preview of dev with {TEAMS} teams, {len(found)} objects, median of {RUNS}:")
    for shape, values in seconds.items():
        spread = f"{min(values):.1f} to {max(values):.1f}"
        print(f"  {shape:<11}{middle[shape]:6.2f} CPU s  ({spread})")
    print(f"  ratio      {middle['components'] / middle['flat']:6.2f}        (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
