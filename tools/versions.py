"""The MLflow version of the platform. The pin in `images/mlflow/requirements.in` is its only source.

Documents and stack files that name the server's image get the version from here by `make generate`.
"""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
IMAGE_REQUIREMENTS = CHECKOUT / "images" / "mlflow" / "requirements.in"


def pinned(requirements: str) -> str:
    """The version of MLflow in the text of a requirements file.

    Raises:
        ValueError: the file pins no version of MLflow.
    """
    pin = re.search(r"^mlflow==([^\s\\]+)", requirements, re.MULTILINE)
    if pin is None:
        raise ValueError("the requirements have no line `mlflow==VERSION`")
    return pin[1]


MLFLOW = pinned(IMAGE_REQUIREMENTS.read_text(encoding="utf-8"))
