from pathlib import Path

import pytest

from tests.tools.copies import RECORDER, Copy

KEY = "mlflow-platform:sessions.rotation"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def signed_out(copy: Copy, stored: str) -> str:
    """Output of the command if the stack file has the number `stored`, or no number."""
    answer = f"echo {stored}" if stored else "exit 255"
    copy.program("tools/with-cluster", f'{RECORDER}case "$*" in *"config get"*) {answer} ;; esac\n')
    copy.program("tools/up", RECORDER)
    done = copy.run("sign-out-everybody", "dev", "kind")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("stored", "number"), [("", 2), ("1", 2), ("41", 42)])
def test_the_number_of_the_sessions_is_raised_by_one_and_deployed(copy: Copy, stored: str, number: int) -> None:
    said = signed_out(copy, stored)
    assert f"sessions.rotation: {number - 1} -> {number} in Pulumi.dev.yaml" in said
    assert f"with-cluster kind pulumi config set --path {KEY} {number} --stack dev" in copy.calls
    assert copy.calls[-1].startswith("up dev kind")
