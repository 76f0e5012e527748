"""Run a command with one context of the user's kubeconfig and the `pulumi` on PATH.

`python -m tools.context NAME COMMAND...`. The context is copied into a separate kubeconfig, so that `kubectl config
use-context` in another terminal does not redirect a deployment.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import yaml
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, ConfigNode, KubeConfigMerger

# Fields of a kubeconfig that contain file names.
FILES = frozenset({"certificate-authority", "client-certificate", "client-key", "tokenFile"})


def single_context(merged: dict[str, Any], name: str) -> dict[str, Any]:
    """A kubeconfig with only one context, its cluster and its user.

    Raises:
        LookupError: there is no such context; the message lists the existing ones.
    """
    contexts = {entry["name"]: entry for entry in merged.get("contexts") or ()}
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        message = f"the kubeconfig has no context {name!r}; its contexts are: {known}"
        raise LookupError(message)
    chosen = contexts[name]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [chosen],
        "clusters": [entry for entry in merged["clusters"] if entry["name"] == chosen["context"]["cluster"]],
        "users": [entry for entry in merged["users"] if entry["name"] == chosen["context"]["user"]],
    }


def plain(node: Any, folder: Path = Path()) -> Any:  # noqa: ANN401 - any YAML
    """Convert nodes of `KubeConfigMerger` to plain values; relative paths begin in the kubeconfig's `folder`."""
    if isinstance(node, ConfigNode):
        read = cast("Any", node)
        return plain(read.value, Path(read.path).resolve().parent if read.path else folder)
    if isinstance(node, list):
        return [plain(item, folder) for item in cast("list[Any]", node)]
    if isinstance(node, dict):
        fields = {key: plain(value, folder) for key, value in cast("dict[str, Any]", node).items()}
        return {key: str(folder / value) if key in FILES and value else value for key, value in fields.items()}
    return node


def main() -> None:
    """Write a kubeconfig with only the context NAME, and run COMMAND with this kubeconfig."""
    if len(sys.argv) < 3:  # noqa: PLR2004 - the module, a name and a command
        sys.exit("usage: python -m tools.context NAME COMMAND...")
    name, command = sys.argv[1], sys.argv[2:]
    if shutil.which("pulumi") is None:
        sys.exit(
            "pulumi is not on PATH: install it (https://www.pulumi.com/docs/install/), "
            "or run without CONTEXT to use the embedded cluster"
        )
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    folder = (base if base.is_absolute() else Path.home() / ".local/share") / "mlflow-platform" / "contexts"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        merged: Any = KubeConfigMerger(KUBE_CONFIG_DEFAULT_LOCATION).config
        chosen = single_context({} if merged is None else plain(merged), name)
    except LookupError as error:
        sys.exit(str(error))
    # A permanent path: Pulumi keeps it in the state of the provider and reads the file again on the next run.
    target = folder / f"{name.replace('/', '_')}.kubeconfig"
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump(chosen, file)
    environment = os.environ | {
        "KUBECONFIG": str(target),
        "PATH": f"{Path('.venv/bin').resolve()}{os.pathsep}{os.environ['PATH']}",
    }
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
