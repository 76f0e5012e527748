"""Bill of materials of the server's image, in CycloneDX: its Python packages with their hashes, and Debian's packages.

`python -m tools.sbom IMAGE VERSION < PACKAGES` prints the document. PACKAGES are lines of `dpkg-query` in the image,
with name, version and architecture. Python packages are those of images/mlflow/requirements.txt, which is installed
without dependencies and by hash, and the platform's own package.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from packaging.markers import Marker

from tools.versions import CHECKOUT

REQUIREMENTS = CHECKOUT / "images" / "mlflow" / "requirements.txt"
# A pin, its marker and its hashes.
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\\n]+))? \\\n((?:[ \t]+--hash=\S+[^\n]*\n)+)", re.MULTILINE)
# The Dockerfile installs these to build the platform's own package, and removes them.
REMOVED = frozenset({"flit-core", "pip"})
SERVER = CHECKOUT / "images" / "mlflow" / "server" / "pyproject.toml"
# Debian's Python, in the image.
IMAGE_ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.5",
    "python_version": "3.13",
    "sys_platform": "linux",
}
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# Scanners look for Debian's vulnerabilities by the release, which is that of images/mlflow/Dockerfile.
DEBIAN = "debian-13"
PACKAGE = re.compile(r"(\S+)\t(\S+)\t(\S+)")

Json = dict[str, Any]


def python_packages(requirements: str) -> Iterator[Json]:
    """A component for each pin of a requirements file that is installed in the image.

    A pin has a hash for each of the package's files; the one that was installed is one of them.
    """
    for name, version, marker, hashes in PIN.findall(requirements):
        normal = re.sub(r"[-_.]+", "-", name).lower()
        if normal in REMOVED or (marker and not Marker(marker).evaluate(IMAGE_ENVIRONMENT)):
            continue
        purl = f"pkg:pypi/{normal}@{quote(version)}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
            "externalReferences": [
                {
                    "type": "distribution",
                    "url": f"https://pypi.org/project/{name}/{version}/",
                    "hashes": [{"alg": "SHA-256", "content": content} for content in HASH.findall(hashes)],
                }
            ],
        }


def own_package(project: str) -> Json:
    """A component for the platform's own package in the image, from its pyproject.toml."""
    own = tomllib.loads(project)["project"]
    return {"type": "library", "bom-ref": own["name"], "name": own["name"], "version": own["version"]}


def debian_packages(lines: Iterable[str]) -> Iterator[Json]:
    """A component for each line of `dpkg-query`.

    Raises: ValueError: a line has another form.
    """
    for line in filter(None, (line.strip() for line in lines)):
        found = PACKAGE.fullmatch(line)
        if found is None:
            raise ValueError(f"expected name, version and architecture of a package, found {line!r}")
        name, version, architecture = found.groups()
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={architecture}&distro={DEBIAN}"
        yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def document(image: str, version: str, components: Sequence[Json], made: datetime) -> Json:
    """A CycloneDX document about an image.

    Raises:
        ValueError: there are no components, or one occurs twice.
    """
    references = [component["bom-ref"] for component in components]
    if not references or len(set(references)) != len(references):
        raise ValueError("expected at least one package, and each package only once")
    content = hashlib.sha256("\n".join([image, version, *references]).encode()).hexdigest()
    subject = {"type": "container", "bom-ref": image, "name": image, "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same image has the same number.
        "serialNumber": f"urn:uuid:{uuid.UUID(content[:32])}",
        "version": 1,
        "metadata": {"timestamp": made.isoformat(timespec="seconds"), "component": subject},
        "components": list(components),
        "dependencies": [{"ref": image, "dependsOn": references}],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the document; returns the exit code."""
    match sys.argv[1:] if arguments is None else list(arguments):
        case [image, version]:
            pass
        case _:
            print("usage: python -m tools.sbom IMAGE VERSION < PACKAGES", file=sys.stderr)
            return 2
    try:
        packages = [
            own_package(SERVER.read_text(encoding="utf-8")),
            *python_packages(REQUIREMENTS.read_text(encoding="utf-8")),
            *debian_packages(sys.stdin),
        ]
        made = document(image, version, packages, datetime.now(UTC))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(made, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
