"""Selection of the image archives to import."""

from pathlib import Path

from testbed.node.images import missing

ARCHIVES = (Path("/cache/image-pause-abc.tar"), Path("/cache/image-mlflow-def.tar"))


def test_everything_is_missing_at_first() -> None:
    assert missing(ARCHIVES, set()) == list(ARCHIVES)


def test_an_archive_with_other_content_has_another_name_and_is_missing() -> None:
    assert missing(ARCHIVES, {"image-pause-abc.tar", "image-mlflow-old.tar"}) == [ARCHIVES[1]]


def test_nothing_is_missing_once_all_names_are_known() -> None:
    assert missing(ARCHIVES, {archive.name for archive in ARCHIVES}) == []
