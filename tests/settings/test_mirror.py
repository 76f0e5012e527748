import pytest

from factories.context import mirrored
from settings.types import values
from tests.settings.test_values import kind_in

DIGEST = f"@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("docker.io/library/postgres:17-trixie", "mirror.example.com/hub/library/postgres:17-trixie"),
        (f"quay.io/a/b:1{DIGEST}", f"mirror.example.com/hub/a/b:1{DIGEST}"),
        ("registry.example.com:5000/a/b:1", "mirror.example.com/hub/a/b:1"),
        ("mirror.example.com/hub/a/b:1", "mirror.example.com/hub/a/b:1"),
        ("mirror.example.com/hubs/b:1", "mirror.example.com/hub/hubs/b:1"),
    ],
)
def test_a_mirror_takes_the_place_of_the_registry_alone(image: str, found: str) -> None:
    assert mirrored(image, "mirror.example.com/hub") == found


def test_without_a_mirror_an_image_is_pulled_from_where_it_says() -> None:
    assert mirrored("quay.io/a/b:1", None) == "quay.io/a/b:1"


def test_what_is_behind_a_mirror_is_still_a_right_image() -> None:
    for registry in ("mirror.example.com", "mirror.example.com:5000/hub", "localhost:5000"):
        assert kind_in(values.Registry).remedy(registry) is None
        assert kind_in(values.Image).remedy(mirrored(f"docker.io/library/postgres:17{DIGEST}", registry)) is None
