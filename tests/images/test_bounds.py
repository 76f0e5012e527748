"""The bounds in the stack file and those that the server reads are the same."""

import json

import pytest
from mlflow_platform_server import bounds

from settings.schema.bounds import Bounds


def test_the_server_reads_every_bound_of_the_stack_file() -> None:
    defaults = Bounds().model_dump()
    read = bounds.read(json.dumps(defaults))
    assert {name: getattr(read, name) for name in defaults} == defaults


def test_a_bound_that_is_missing_is_an_error() -> None:
    values = Bounds().model_dump()
    del values["idle_seconds"]
    with pytest.raises(TypeError, match="idle_seconds"):
        bounds.read(json.dumps(values))
