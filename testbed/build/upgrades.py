"""Images for the upgrade tests, never part of an installation.

One image has the previous MLflow release. The other has the current MLflow release with an additional Alembic revision.
"""

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from testbed import versions
from testbed.build.artifact import Artifact, Bench, digest
from testbed.build.images import Image, archive
from testbed.paths import CHECKOUT

EQUIPMENT = Path(__file__).parent / "rehearsal"
MLFLOW = CHECKOUT / "images" / "mlflow"
# Directory of MLflow's Alembic revisions in the image, with the Python version of the image's Debian release.
REVISIONS = "opt/mlflow/lib/python3.13/site-packages/mlflow/store/db_migrations/versions"
_PIN = re.compile(r"^(?P<name>[\w.-]+)==.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def repinned(requirements: str, pins: str) -> str:
    """Return the requirements, in which each package that is also in `pins` has the version from `pins`."""
    others = {found["name"]: found[0] for found in _PIN.finditer(pins)}
    return _PIN.sub(lambda found: others.get(found["name"], found[0]), requirements)


def images(cache: Path, today: Artifact, debian_image: Artifact, builder: Artifact) -> tuple[Artifact, ...]:
    """Return two image archives: the previous MLflow release, and `today` with an additional Alembic revision.

    Args:
        cache: the build cache.
        today: the archive of the deployed MLflow image.
        debian_image: the image store with the base image.
        builder: the root file system in which images are built.
    """
    previous = Image(
        context=MLFLOW,
        version=versions.MLFLOW_PREVIOUS,
        references=(versions.MLFLOW_PREVIOUS_IMAGE,),
        files={"requirements.txt": _requirements(cache)},
        usual_seconds=90,
    )
    return archive(cache, previous, debian_image, builder), _with_a_revision(cache, today)


def _requirements(cache: Path) -> Artifact:
    today, pins = MLFLOW / "requirements.txt", EQUIPMENT / "requirements.txt"

    def make(result: Path, _: Bench) -> None:
        result.write_text(repinned(today.read_text(), pins.read_text()))

    return Artifact(
        name="requirements",
        version=versions.MLFLOW_PREVIOUS,
        cache=cache,
        recipe=digest(today, pins),
        make=make,
        usual_seconds=1,
    )


def _with_a_revision(cache: Path, today: Artifact) -> Artifact:
    file = EQUIPMENT / "revision.py"
    references = (versions.MLFLOW_NEXT_IMAGE,)

    def make(result: Path, _: Bench) -> None:
        with_file(today.path, result, f"{REVISIONS}/e2e_revision.py", file.read_bytes(), references)

    return Artifact(
        name="image-mlflow",
        version="next",
        cache=cache,
        recipe=digest(file, Path(__file__), *references),
        make=make,
        needs=(today,),
        usual_seconds=5,
        suffix=".tar",
    )


def with_file(image: Path, result: Path, path: str, content: bytes, references: tuple[str, ...]) -> None:
    """Copy a Docker archive of one image, with an additional layer for one file, and with other tags."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as made:
        _add(made, path, content)
    digest_of_layer = hashlib.sha256(layer.getvalue()).hexdigest()
    with tarfile.open(image) as source, tarfile.open(result, "w") as target:
        manifest: dict[str, Any] = json.loads(_read(source, "manifest.json"))[0]
        configuration: dict[str, Any] = json.loads(_read(source, manifest["Config"]))
        for name in manifest["Layers"]:
            target.addfile(source.getmember(name), source.extractfile(name))
        _add(target, f"{digest_of_layer}.tar", layer.getvalue())
        configuration["rootfs"]["diff_ids"].append(f"sha256:{digest_of_layer}")
        configuration["history"].append({"created_by": f"COPY {path}"})
        text = json.dumps(configuration).encode()
        name = f"{hashlib.sha256(text).hexdigest()}.json"
        _add(target, name, text)
        layers = [*manifest["Layers"], f"{digest_of_layer}.tar"]
        described = [{"Config": name, "RepoTags": list(references), "Layers": layers}]
        _add(target, "manifest.json", json.dumps(described).encode())


def _read(archive_: tarfile.TarFile, name: str) -> bytes:
    found = archive_.extractfile(name)
    if found is None:
        raise FileNotFoundError(name)
    return found.read()


def _add(archive_: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    archive_.addfile(member, io.BytesIO(content))
