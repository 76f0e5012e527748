import subprocess
import sys

from tests.settings.stack_files import ROOT

PROBE = "import sys, settings.types.service_accounts; print({'pulumi', 'pydantic', 'yaml'} & {*sys.modules})"


def test_a_tool_that_needs_one_name_loads_neither_the_models_nor_pulumi() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - a constant
    assert done.stdout == "set()\n"
