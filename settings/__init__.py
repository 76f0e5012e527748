"""Typed settings of a stack, and the functions that read and check its configuration.

Each section of the stack file is declared in `settings/schema/`; the rest of `settings/` finds mistakes and builds
their messages. Importing the package loads none of that, because some tools need only a single small module.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings.schema.external import ExternalSettings
    from settings.schema.stack import Settings
    from settings.secrets import PROJECT, Secrets
    from settings.validation import Validation, load, validate
else:
    _MODULES = {
        "ExternalSettings": "schema.external",
        "Settings": "schema.stack",
        "PROJECT": "secrets",
        "Secrets": "secrets",
    }

    def __getattr__(name: str) -> object:
        """Import a name of this package from its module when the name is first used."""
        if name not in __all__:
            raise AttributeError(name)
        return getattr(importlib.import_module(f"settings.{_MODULES.get(name, 'validation')}"), name)


__all__ = ["PROJECT", "ExternalSettings", "Secrets", "Settings", "Validation", "load", "validate"]
