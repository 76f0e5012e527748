"""Environment variables and files with which a manual `pulumi` command uses the embedded engine and cluster."""

import os
import secrets
import shlex
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from testbed.node import policy_pack
from testbed.node.kubectl import kubectl_cache
from testbed.node.writing import PRIVATE, PROGRAM, write_whole
from testbed.paths import Home

# Providers whose plugin is a stand-in from this checkout: the real one cannot be built from package registries.
STAND_INS = ("random", "aws")
# These would take precedence over what is set here, or slow every run down by seconds.
UNSET = ("PULUMI_CONFIG_PASSPHRASE", "PYTHONDONTWRITEBYTECODE")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
LOCAL_NAMES = "localhost,.localhost,127.0.0.1"
HOST_NAMES = ("mlflow.localhost", "dex.mlflow.localhost")
PASSPHRASE_BYTES = 32


def variables(
    home: Home, *, cache: Path, engine_bin: Path, checkout: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables to set, given those that are set already."""
    # The language host starts the first `python` on PATH.
    path = [str(checkout / ".venv" / "bin"), str(engine_bin)]
    path += [entry for entry in inherited.get("PATH", "").split(os.pathsep) if entry and entry not in path]
    values = {
        "PATH": os.pathsep.join(path),
        "KUBECONFIG": str(home.kubeconfig),
        "KUBECACHEDIR": str(kubectl_cache(cache)),
        "PULUMI_HOME": str(home.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{home.pulumi_state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
        "PULUMI_CREDENTIAL_STORE": "plaintext",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PYTHONPYCACHEPREFIX": str(cache / "pycache"),
        "POLICY_PACK": str(home.policy_pack),
    }
    if any(inherited.get(name) for name in PROXIES):
        given = inherited.get("NO_PROXY", inherited.get("no_proxy", ""))
        missing = [name for name in LOCAL_NAMES.split(",") if name not in given.split(",")]
        values["NO_PROXY"] = values["no_proxy"] = ",".join(filter(None, [given, *missing]))
    return values


def export_lines(values: Mapping[str, str]) -> str:
    """Render the variables for `eval` in a POSIX shell."""
    lines = [f"unset {' '.join(UNSET)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def merged(values: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command: the inherited one without the variables in `UNSET`, plus `values`."""
    return {name: value for name, value in inherited.items() if name not in UNSET} | dict(values)


def knows_names(machine: str) -> bool:
    """True if the content of the machine's /etc/hosts includes the platform's host names."""
    entries = " ".join(line.partition("#")[0] for line in machine.splitlines())
    return set(HOST_NAMES) <= set(entries.split())


def hosts(machine: str) -> str:
    """Return the content of the machine's /etc/hosts with the platform's host names added."""
    text = machine if machine.endswith("\n") or not machine else machine + "\n"
    return f"{text}127.0.0.1 {' '.join(HOST_NAMES)}\n"


def launchers(checkout: Path, engine_bin: Path) -> dict[str, str]:
    """Render the shell scripts that the engine starts as provider plugins, by provider."""
    head = "#!/bin/sh\n# Rewritten by each `python -m testbed up` and `env`.\n"
    plugin = shlex.quote(str(engine_bin / "plugins" / "pulumi-resource-kubernetes"))
    python = shlex.quote(str(checkout / ".venv" / "bin" / "python"))
    stand_in = f"{head}# A stand-in for the published plugin.\nexport PYTHONPATH={shlex.quote(str(checkout))}\n"
    return {
        "kubernetes": f'{head}exec {plugin} "$@"\n',
        **{name: f'{stand_in}exec {python} -m testbed.providers.{name} "$@"\n' for name in STAND_INS},
    }


def prepare(home: Home, checkout: Path, engine_bin: Path) -> None:
    """Create what the environment variables refer to: state directory, passphrase file, plugins and policy pack."""
    home.root.mkdir(parents=True, exist_ok=True)
    home.root.chmod(0o700)
    home.pulumi_state.mkdir(exist_ok=True)
    if not home.passphrase.exists():
        write_whole(home.passphrase, secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n", PRIVATE)
    policy_pack.copy(checkout / "policy", home.policy_pack)
    for provider, text in launchers(checkout, engine_bin).items():
        # The engine looks for a plugin with exactly the version of the provider's Python package.
        version = metadata.version(f"pulumi-{provider}")
        directory = home.pulumi_home / "plugins" / f"resource-{provider}-v{version}"
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(directory / f"pulumi-resource-{provider}", text, PROGRAM)
