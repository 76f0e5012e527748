"""Each layer of isolation stops the generated attacks with other layers off.

The running server is given a module that switches layers off (attack/server/layers_off.py), without another image.
What each set of layers has to stop is in `STANDS`. At last all layers are off and the attacks succeed, which shows that
they would reveal a failing layer.
"""

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.attack import table
from testbed.e2e.attack.generated import cases, run, scene
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.generated.run import Fault
from testbed.e2e.attack.generated.scene import ATTACKERS, Target
from testbed.e2e.attack.verdict import Aim
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.smoke import wait_until_it_answers
from tools.stack import Platform

MODULE = scene.SERVER / "layers_off.py"
NAME = "testbed-layers"
FOLDER, FILE = "/testbed-layers", "/tmp/layers-off"  # noqa: S108 - a volume of the pod
ROLLOUT_SECONDS = 180
# As many cases as there are routes, and more: each route is attacked in each combination of layers.
SEED, COUNT = 11, 600
FILES = ("artifact", "location", "uri", "path", "source")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """Layers that are off, and the attacks that the remaining layers have to stop."""

    off: tuple[str, ...]
    by: str
    """The remaining layers, which stop the attacks."""

    aims: tuple[Aim, ...]
    files: bool | None = None
    """Attacks that are sent: with True only those by a file's location, with False only others, with None all."""


COPIES = (Aim.COPIED, Aim.NONE, Aim.UNKNOWN)
STANDS = [
    Stand(off=("plugin",), by="review, database and store", aims=tuple(Aim)),
    # Nobody asks any more whether a caller may enter a workspace. From inside of one, the others stay closed.
    Stand(off=("plugin", "review"), by="database and store", aims=COPIES),
    Stand(off=("plugin", "review", "store"), by="the database alone", aims=COPIES, files=False),
    Stand(off=("plugin", "review", "database"), by="the store alone", aims=COPIES, files=True),
    Stand(off=("plugin", "database", "store"), by="the review alone", aims=(Aim.OTHER, Aim.NONE, Aim.UNKNOWN)),
]


@pytest.fixture(scope="module")
def switchable(platform: Platform) -> Generator[Platform]:
    """The deployed platform with a switch for each layer."""
    space = f"--namespace={platform.namespace}"
    content = {"sitecustomize.py": MODULE.read_text(encoding="utf-8")}
    metadata = {"name": NAME, "namespace": platform.namespace}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content}
    kube.kubectl("apply", "--filename=-", stdin=json.dumps(document))
    try:
        _patch(platform, _container({"name": NAME, "mountPath": FOLDER, "readOnly": True}), _volume())
        yield platform
    finally:
        _patch(platform, _container(None), {"volumes": [{"name": NAME, "$patch": "delete"}]})
        kube.kubectl("delete", "configmap", NAME, space, "--ignore-not-found")
        variant.restore()


def _container(mount: kube.Object | None) -> kube.Object:
    names = {"PYTHONPATH": FOLDER, "TESTBED_OFF": FILE}
    if mount is None:
        env: list[kube.Object] = [{"name": name, "$patch": "delete"} for name in names]
        mount = {"mountPath": FOLDER, "$patch": "delete"}
    else:
        env = [{"name": name, "value": value} for name, value in names.items()]
    return {"name": "mlflow", "env": env, "volumeMounts": [mount]}


def _volume() -> kube.Object:
    return {"volumes": [{"name": NAME, "configMap": {"name": NAME}}]}


def _patch(platform: Platform, container: kube.Object, volumes: kube.Object) -> None:
    space = f"--namespace={platform.namespace}"
    change = {"spec": {"template": {"spec": {"containers": [container], **volumes}}}}
    kube.kubectl("patch", "deployment", "mlflow", space, "--type=strategic", f"--patch={json.dumps(change)}")
    kube.kubectl(
        "rollout", "status", "deployment/mlflow", space, f"--timeout={ROLLOUT_SECONDS}s", seconds=ROLLOUT_SECONDS + 30
    )
    wait_until_it_answers(platform.url, platform.authority)


@pytest.fixture(scope="module")
def target(site: Site, switchable: Platform) -> Generator[Target]:
    with scene.target(site, switchable) as found:
        yield found


@pytest.fixture(scope="module")
def every(platform: Platform) -> list[Case]:
    entries = table.read(table.ROUTES.read_text(encoding="utf-8"))
    return cases.generate(entries, scene.routes(platform), ATTACKERS)


@contextmanager
def switched_off(platform: Platform, layers: Iterable[str]) -> Generator[None]:
    """Switch layers off during a block."""
    named = set(layers)
    tables = _protected(platform) if "database" in named else []
    try:
        if tables:
            scene.sql(platform, _row_security("DISABLE", tables))
        _write(platform, ",".join(sorted(named)))
        yield
    finally:
        _write(platform, "")
        if tables:
            scene.sql(platform, _row_security("ENABLE", tables))


def _write(platform: Platform, text: str) -> None:
    into = ("exec", "--stdin", f"--namespace={platform.namespace}", "deployment/mlflow", "--container=mlflow")
    kube.kubectl(*into, "--", "sh", "-c", f"cat > {FILE}", stdin=text)


def _protected(platform: Platform) -> list[str]:
    """Tables with row-level security."""
    found = scene.sql(
        platform,
        "SELECT oid::regclass FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace",
    )
    return found.split()


def _row_security(command: str, tables: Iterable[str]) -> str:
    return "".join(f"ALTER TABLE {name} {command} ROW LEVEL SECURITY;\n" for name in tables)


def _by_file(case: Case) -> bool:
    return any(word in case.change.where or word in case.change.entry.path for word in FILES)


def _attack(target: Target, every: list[Case], stand: Stand) -> tuple[int, list[Fault], list[str]]:
    suitable = [
        case for case in every if case.aim in stand.aims and (stand.files is None or _by_file(case) == stand.files)
    ]
    chosen = cases.sample(suitable, SEED, COUNT)
    before = target.state()
    with switched_off(target.platform, stand.off):
        outcome = run.attack(target.scene, chosen, twins=False)
    leaks = [fault for fault in outcome.faults if fault.what.startswith("LEAK")]
    return len(chosen), leaks, before.changes(target.state())


def test_the_database_protects_every_table_of_a_team(target: Target) -> None:
    protected = set(_protected(target.platform))
    assert {"experiments", "runs", "trace_info", "assessments", "registered_models"} <= protected


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: f"without {' and '.join(stand.off)}")
def test_the_other_layers_stop_the_attacks(target: Target, every: list[Case], figures: Figures, stand: Stand) -> None:
    count, leaks, effects = _attack(target, every, stand)
    figures.add(
        f"isolation: without {', '.join(stand.off)}",
        f"{count} attacks, {len(leaks)} leaks, {len(effects)} effects: stopped by {stand.by}",
    )
    assert [str(one) for one in leaks] == []
    assert effects == []


def test_the_attacks_get_through_without_any_layer(target: Target, every: list[Case], figures: Figures) -> None:
    everything = Stand(off=("plugin", "review", "database", "store"), by="nothing", aims=(Aim.OTHER,))
    count, leaks, effects = _attack(target, every, everything)
    figures.add("isolation: without any layer", f"{count} attacks, {len(leaks)} leaks, {len(effects)} effects")
    assert leaks
    assert effects
