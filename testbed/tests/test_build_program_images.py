"""Images of the programs in testbed/programs."""

from pathlib import Path

import pytest

from settings.schema.server import Images
from testbed.build.commands import BuildError
from testbed.build.program_images import DESCRIPTION, FOLDER, definition
from testbed.e2e import keycloak
from testbed.e2e.rehearsals.argocd import installation
from testbed.paths import CHECKOUT

DESCRIBED = 'version = "26.7.3"\nreference = "quay.io/keycloak/keycloak:26.7.3"\nusual_seconds = 30\n'


def test_a_folder_describes_an_image(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).write_text(DESCRIBED, encoding="utf-8")
    image = definition(tmp_path)
    assert (image.version, image.references) == ("26.7.3", ("quay.io/keycloak/keycloak:26.7.3",))
    assert (image.context, image.usual_seconds) == (tmp_path, 30)


@pytest.mark.parametrize("text", ["", 'version = "1"\n', DESCRIBED + 'tag = "latest"\n'])
def test_a_description_with_other_keys_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).write_text(text, encoding="utf-8")
    with pytest.raises(BuildError, match=r"image\.toml: expected the keys reference, usual_seconds, version"):
        definition(tmp_path)


def test_what_the_rehearsal_of_keycloak_deploys_is_built() -> None:
    (keycloaks,) = definition(FOLDER / "keycloak").references
    assert f"image: {keycloaks}\n" in (keycloak.FOLDER / "objects.yaml").read_text(encoding="utf-8")
    assert definition(FOLDER / "valkey").references == (Images.model_fields["valkey"].default,)


def test_argo_cd_has_one_version_in_its_image_its_rehearsal_and_the_schema_of_its_applications() -> None:
    argo_cd = definition(FOLDER / "argocd")
    assert f"\tgithub.com/argoproj/argo-cd/v3 v{argo_cd.version}\n" in (FOLDER / "argocd" / "go.mod").read_text()
    images = {line.strip() for line in installation.GIT_SERVER.read_text().splitlines() if " image: " in line}
    assert images == {f"image: {reference}" for reference in argo_cd.references}
    assert definition(FOLDER / "valkey").references == (installation.REDIS,)
    schema = CHECKOUT / "tests" / "tools" / "render" / "argocd-application.yaml"
    assert schema.read_text().startswith(f"# Argo CD {argo_cd.version}, ")
