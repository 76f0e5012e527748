"""Names of artifacts, and the order in which missing ones are built."""

from pathlib import Path

from testbed.build.artifact import Artifact, Bench, digest, missing


def _write(result: Path, _: Bench) -> None:
    result.write_text("built")


def _artifact(
    cache: Path,
    name: str,
    *,
    recipe: str = "",
    needs: tuple[Artifact, ...] = (),
    tools: tuple[Artifact, ...] = (),
) -> Artifact:
    return Artifact(
        name=name,
        version="1",
        cache=cache,
        recipe=recipe,
        make=_write,
        needs=needs,
        tools=tools,
        usual_seconds=1,
    )


def test_a_digest_changes_with_the_names_and_bytes_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("a")
    before = digest(tmp_path)
    (tmp_path / "one").write_text("b")
    changed = digest(tmp_path)
    (tmp_path / "one").rename(tmp_path / "two")

    assert len({before, changed, digest(tmp_path)}) == 3


def test_a_digest_does_not_see_what_python_leaves_behind(tmp_path: Path) -> None:
    before = digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "one.pyc").write_text("a")

    assert digest(tmp_path) == before


def test_a_digest_keeps_its_parts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_name_changes_with_what_the_content_is_made_from(tmp_path: Path) -> None:
    old = _artifact(tmp_path, "image", needs=(_artifact(tmp_path, "program", recipe="old"),))
    new = _artifact(tmp_path, "image", needs=(_artifact(tmp_path, "program", recipe="new"),))

    assert old.path != new.path


def test_a_name_does_not_change_with_what_it_is_merely_built_with(tmp_path: Path) -> None:
    own = _artifact(tmp_path, "program")
    other = _artifact(tmp_path, "program", tools=(_artifact(tmp_path, "compiler"),))

    assert own.path == other.path


def test_sources_and_tools_are_built_first_and_once(tmp_path: Path) -> None:
    compiler = _artifact(tmp_path, "compiler")
    program = _artifact(tmp_path, "program", tools=(compiler,))
    first = _artifact(tmp_path, "first", needs=(program,))
    second = _artifact(tmp_path, "second", needs=(program,), tools=(compiler,))

    assert missing([first, second]) == [compiler, program, first, second]


def test_the_sources_of_a_finished_part_are_not_built_again(tmp_path: Path) -> None:
    compiler = _artifact(tmp_path, "compiler")
    program = _artifact(tmp_path, "program", tools=(compiler,))
    program.path.write_text("built")

    assert missing([program]) == []
