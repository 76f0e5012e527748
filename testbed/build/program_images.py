"""Images of the programs that people use beside the platform, such as Keycloak or JupyterHub: test equipment.

Each folder of `testbed/programs/` is one image: a Dockerfile, and an image.toml with `version`, `reference` and
`usual_seconds`. A rehearsal names the folders that it deploys, so that a new program makes no other rehearsal due.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from testbed.build.artifact import Artifact
from testbed.build.commands import BuildError
from testbed.build.images import Image, archive
from testbed.paths import CHECKOUT

FOLDER = CHECKOUT / "testbed" / "programs"
DESCRIPTION = "image.toml"


def definition(folder: Path) -> Image:
    """Return the image that a folder describes; raises BuildError if its image.toml lacks a key or has another one."""
    described = tomllib.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    wanted = {"version", "reference", "usual_seconds"}
    if wanted != set(described):
        raise BuildError(f"{folder / DESCRIPTION}: expected the keys {', '.join(sorted(wanted))}, and no other.")
    return Image(
        context=folder,
        version=described["version"],
        references=(described["reference"],),
        usual_seconds=described["usual_seconds"],
    )


def images(cache: Path, debian_image: Artifact, builder: Artifact) -> Mapping[str, Artifact]:
    """Return the image archives of all programs, by name of the folder."""
    folders = sorted(file.parent for file in FOLDER.glob(f"*/{DESCRIPTION}"))
    return {folder.name: archive(cache, definition(folder), debian_image, builder) for folder in folders}
