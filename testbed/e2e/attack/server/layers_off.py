"""Runs in the server's container as `sitecustomize`: switches single layers of isolation off, for tests.

The file TESTBED_OFF names the layers that are off, separated by commas; it is read at each decision, so that no restart
is needed. The layer `database` is switched off in the database itself.
"""

import importlib.abc
import importlib.util
import os
import sys


def off(layer):
    """True if the layer is off now."""
    try:
        with open(os.environ["TESTBED_OFF"], encoding="utf-8") as file:
            return layer in file.read().strip().split(",")
    except (KeyError, FileNotFoundError):
        return False


def open_plugin(module):
    """The authorization plugin allows everything."""
    kind = module.KubernetesAuthorizer
    decide = kind.is_allowed
    kind.is_allowed = lambda self, *args, **options: off("plugin") or decide(self, *args, **options)


def open_review(module):
    """The platform's own access review allows everything."""
    kind = module.AccessReviews
    decide = kind.allows

    async def allows(self, caller, namespace):
        return off("review") or await decide(self, caller, namespace)

    kind.allows = allows


def open_store(module):
    """The artifact store is asked for any location."""
    kind = module.Reach
    check = kind.check
    kind.check = lambda self, location: None if off("store") else check(self, location)


LAYERS = {
    "mlflow_kubernetes_plugins.auth.authorizer": open_plugin,
    "mlflow_platform_server.reviews": open_review,
    "mlflow_platform_server.object_keys": open_store,
}


class Opener(importlib.abc.MetaPathFinder):
    """Changes a module right after its import. A module without the expected names stops the server's start."""

    def find_spec(self, name, path, target=None):
        """The module's own specification, with a loader that changes it."""
        change = LAYERS.get(name)
        if change is None:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        execute = spec.loader.exec_module

        def changed(module):
            execute(module)
            change(module)

        spec.loader.exec_module = changed
        return spec


sys.meta_path.insert(0, Opener())
