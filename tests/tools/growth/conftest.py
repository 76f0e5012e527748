from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tools.growth.world import World, stack
from tools.growth import __main__ as command
from tools.growth import check, claims, cluster, recreation, state
from tools.growth.claims import Say
from tools.preflight.wanted import Wanted

LARGER = {"database": {"storage": "8Gi"}}


@dataclass(slots=True)
class Scene:
    """A deployed stack, and the stack file of the next command."""

    world: World
    capture: pytest.CaptureFixture[str]
    wanted: Wanted = field(default_factory=lambda: stack(**LARGER))
    out: str = ""
    err: str = ""

    def run(self, *arguments: str) -> int:
        """Run the command; returns its exit code."""
        self.world.calls.clear()
        code = command.main(arguments)
        self.out, self.err = self.capture.readouterr()
        return code

    def grow(self) -> int:
        """`make grow`, confirmed beforehand."""
        return self.run("grow", "dev", "--yes", "dev")

    @property
    def faults(self) -> list[str]:
        """Reasons against growing."""
        first, *found = self.err.splitlines()
        assert first == "nothing was changed:"
        return found


@pytest.fixture
def deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Wanted], Scene]:
    """Deploy a stack; the next command finds the database larger in the stack file."""

    def deployed(one: Wanted) -> Scene:
        scene = Scene(World(one), capsys)

        def read(_stack: str) -> None:
            return None

        def wanted(_source: object, _stack: str) -> Wanted:
            return scene.wanted

        for module in (command, check):
            monkeypatch.setattr(module, "read", read)
            monkeypatch.setattr(module, "wanted", wanted)
        monkeypatch.setattr(cluster, "start", scene.world.kubectl)
        monkeypatch.setattr(state, "start", scene.world.pulumi)
        return scene

    def here(file: str, _say: Say) -> tuple[int, list[str]]:
        code = recreation.run(Path(file))
        return code, capsys.readouterr().out.splitlines() if code else []

    monkeypatch.setattr(recreation, "apart", here)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for module in (claims, recreation):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    return deployed


@pytest.fixture
def scene(deploy: Callable[[Wanted], Scene]) -> Scene:
    """`dev` as it is committed, deployed."""
    return deploy(stack())
