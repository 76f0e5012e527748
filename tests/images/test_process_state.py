"""The guard of the environment, in a process of its own: an audit hook cannot be taken back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "images" / "mlflow" / "server"
PROGRAM = """
import os
from mlflow_platform_server import process_state, scope
os.environ["BEFORE"] = "1"
process_state.guard()
os.environ["OUTSIDE"] = "1"
with scope.background("start"):
    os.environ["START"] = "1"
with scope.bind(scope.Scope(name="a request", workspace="team-a", caller=scope.Caller(user="alice@example.com"))):
    try:
        {change}
    except scope.ScopeError as error:
        print(error)
print(sorted({{"BEFORE", "OUTSIDE", "START", "NEW"}} & set(os.environ)))
"""


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ('os.environ["NEW"] = "1"', "NEW"),
        ('os.environ.setdefault("NEW", "1")', "NEW"),
        ('os.putenv("NEW", "1")', "NEW"),
        ('del os.environ["BEFORE"]', "BEFORE"),
        ('os.environ.pop("BEFORE")', "BEFORE"),
    ],
)
def test_a_request_changes_nothing_in_the_environment_and_is_told_what_it_tried(change: str, name: str) -> None:
    program = PROGRAM.format(change=change)
    environment = {**os.environ, "PYTHONPATH": str(SERVER)}
    done = subprocess.run(  # noqa: S603 - the tests' own interpreter
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    refusal, left = done.stdout.splitlines()
    assert "a request" in refusal
    assert name in refusal
    assert left == "['BEFORE', 'OUTSIDE', 'START']"
