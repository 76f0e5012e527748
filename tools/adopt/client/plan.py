"""Plan of a move: the objects to move, the obstacles, and the objects left out by rule; nothing is written here."""

from dataclasses import dataclass, field

from mlflow.entities import ViewType

from tools.adopt.client.content import TRACE_LOCATIONS, is_prompt
from tools.adopt.origin import NONE
from tools.adopt.references import CREATED, FROM, ID, OF_VERSION
from tools.adopt.report import amount

DEFAULT = "Default"


class RefusedError(Exception):
    """Nothing was written; the message says why."""


@dataclass(slots=True)
class Planned:
    """An experiment with its runs."""

    old: object
    name: str
    """Name in the workspace."""

    runs: list
    there: object = None
    """The experiment in the workspace, if an earlier run has created it."""


@dataclass(slots=True)
class Plan:
    """Everything that is to be moved."""

    experiments: list[Planned] = field(default_factory=list)
    models: list = field(default_factory=list)
    """Registered models with their versions by number; those that copy versions of others come last."""

    left_out: list[str] = field(default_factory=list)


def plan(source, target, options):
    """Read both sides.

    Raises:
        RefusedError: a name is taken, a chosen experiment does not exist, or files cannot be read.
    """
    made = Plan()
    if NONE in options["artifacts"]:
        made.left_out.append("files: ARTIFACTS=none")
    everything = source.experiments()
    _choose(made, everything, source, options)
    _registered(made, everything, source, options)
    problems = [*_clashes(made, target, options), *_locations(made, source), *_outside(made, source)]
    if problems:
        raise RefusedError("\n".join(["nothing was written:", *problems]))
    return made


def _choose(made, everything, source, options):
    chosen = set(options["experiments"])
    unknown = chosen - {one.name for one in everything}
    if unknown:
        names = ", ".join(sorted(one.name for one in everything))
        raise RefusedError(f"EXPERIMENTS: there is no {', '.join(sorted(unknown))} in SOURCE; it has {names}")
    for old in everything:
        deleted = _is_deleted(old)
        if (chosen and old.name not in chosen) or (deleted and not options["deleted"]):
            if deleted and (not chosen or old.name in chosen):
                made.left_out.append(f"experiment {old.name}: it is deleted; DELETED=1 moves it")
            continue
        runs = source.runs(old.experiment_id, ViewType.ALL)
        gone = sum(one.deleted for one in runs)
        if gone and not options["deleted"]:
            made.left_out.append(f"{gone} deleted runs of {old.name}; DELETED=1 moves them")
            runs = [one for one in runs if not one.deleted]
        if old.name == DEFAULT and not (runs or gone or _used(source, old)):
            made.left_out.append(f"experiment {DEFAULT}: it is empty")
            continue
        made.experiments.append(Planned(old, f"{options['prefix']}{old.name}", runs))


def _used(source, old):
    return source.traces(old.experiment_id) or source.logged_models(old.experiment_id)


def _registered(made, everything, source, options):
    """Choose the registered models all of whose versions come from experiments that are moved."""
    moved = {one.id for planned in made.experiments for one in planned.runs}
    names = {one.experiment_id: one.name for one in everything}
    chosen = {planned.old.experiment_id for planned in made.experiments}
    for model, versions in source.registered():
        elsewhere = _elsewhere(source, versions, moved, chosen)
        if options["experiments"] and elsewhere:
            number, experiment = elsewhere
            made.left_out.append(
                f"registered model {model.name}: its version {number} comes from experiment "
                f"{names.get(experiment, experiment)}, which EXPERIMENTS does not name"
            )
            continue
        if options["experiments"] and not any(_experiment(source, one) for one in versions.values()):
            made.left_out.append(f"{_kind(model)} {model.name}: no experiment that EXPERIMENTS names has it")
            continue
        made.models.append((model, versions))
    made.models.sort(key=lambda one: any(OF_VERSION.match(version.source or "") for version in one[1].values()))


def _kind(model):
    return "prompt" if is_prompt(model) else "registered model"


def _elsewhere(source, versions, moved, chosen):
    for number, version in versions.items():
        if version.run_id in moved:
            continue
        experiment = _experiment(source, version)
        if experiment is not None and experiment not in chosen:
            return number, experiment
    return None


def _experiment(source, version):
    """ID of the experiment that a version comes from; None if there is none, or it no longer exists."""
    from tools.adopt.client.link import OtherSideError

    try:
        if version.run_id:
            return source.run(version.run_id).info.experiment_id
        if getattr(version, "model_id", None):
            return source.logged_model(version.model_id).experiment_id
    except OtherSideError:
        return None
    return None


def _clashes(made, target, options):
    there = {one.name: one for one in target.experiments()}
    adopted = {one.tags[ID]: one for one in there.values() if one.tags.get(FROM) == options["origin"]}
    for planned in made.experiments:
        planned.there = adopted.get(planned.old.experiment_id)
        taken = there.get(planned.name)
        if planned.there is not None and _is_deleted(planned.there) and not _is_deleted(planned.old):
            name = planned.there.name
            yield f"  experiment {name}: it was moved, and then deleted in the workspace; restore it there"
        if planned.there is not None and _is_another(planned):
            yield (
                f"  experiment {planned.name}: it was moved from another MLflow that had the same address "
                f"{options['origin']}; give this one another address, such as its name in DNS instead of localhost"
            )
        if planned.there is None and taken is not None:
            state = "a deleted experiment" if _is_deleted(taken) else "an experiment"
            yield _taken("experiment", planned.name, state, taken.tags)
    known = {model.name: model for model, _ in target.registered()}
    for model, _ in made.models:
        name = f"{options['prefix']}{model.name}"
        if name in known and known[name].tags.get(FROM) != options["origin"]:
            yield _taken("registered model", name, "one", known[name].tags)


def _is_another(planned):
    """True if the moved experiment with this ID has another creation time, so it came from another MLflow."""
    created = planned.there.tags.get(CREATED)
    return created is not None and created != f"{planned.old.creation_time}"


def _is_deleted(experiment):
    return experiment.lifecycle_stage == "deleted"


def _taken(kind, name, state, tags):
    origin = f", moved from {tags[FROM]}," if FROM in tags else ""
    return f"  {kind} {name}: the workspace has {state}{origin} with this name; PREFIX=old- gives all another name"


def _locations(made, source):
    for planned in made.experiments:
        uri = planned.old.artifact_location
        problem = source.problem(uri) if planned.runs else ""
        if problem == "served":
            yield (
                f"  experiment {planned.old.name}: its files are at {uri}, served by the old server. Say where that "
                "has them: ARTIFACTS= the value of its --artifacts-destination (./mlartifacts in its folder by "
                "default); or start it, and give its address as SOURCE"
            )
        elif problem:
            yield (
                f"  experiment {planned.old.name}: its files are at {uri}, and this machine has no folder {problem}. "
                "Say where they are: ARTIFACTS=; ARTIFACTS=none moves everything but files"
            )


def _outside(made, source):
    """A line for each experiment with files outside the old MLflow."""
    for planned in made.experiments:
        experiment = planned.old.experiment_id
        named = [(f"run {row.id}", row.files) for row in planned.runs]
        named += [(f"logged model {one.model_id}", one.artifact_location) for one in source.logged_models(experiment)]
        named += [
            (f"trace {one.trace_id}", one.tags.get(tag)) for one in source.traces(experiment) for tag in TRACE_LOCATIONS
        ]
        reasons = source.outside(sorted({uri for _, uri in named if uri}))
        found = [(what, uri) for what, uri in named if uri in reasons]
        if found:
            what, uri = found[0]
            more = f"; the same for {len(found) - 1} more of its runs, models and traces" if found[1:] else ""
            yield f"  experiment {planned.old.name}, {what}: {reasons[uri]}{more}"


def preview(made, source, options):
    """Counts of the objects that would be moved: lines for people, and the same as rows."""
    rows = []
    for planned in made.experiments:
        count = {"runs": len(planned.runs), "models": 0, "traces": 0, "files": 0, "bytes": 0}
        locations = [one.files for one in planned.runs]
        models = source.logged_models(planned.old.experiment_id)
        count["models"] = len(models)
        count["traces"] = len(source.traces(planned.old.experiment_id))
        for uri in [*locations, *(one.artifact_location for one in models)]:
            sizes = source.files(uri)
            count["files"] += len(sizes)
            count["bytes"] += sum(size or 0 for size in sizes.values())
        rows.append({"experiment": planned.old.name, "as": planned.name, "there": planned.there is not None, **count})
    models = [
        {"model": model.name, "as": f"{options['prefix']}{model.name}", "versions": len(versions)}
        for model, versions in made.models
    ]
    return {"places": source.places(), "experiments": rows, "models": models, "left_out": made.left_out}


def preview_text(found):
    """The preview for people."""
    lines = [f"files are read in {found['places']}"]
    for one in found["experiments"]:
        again = " (an earlier run has begun)" if one["there"] else ""
        lines.append(
            f"experiment {one['as']}{again}: {one['runs']} runs, {one['models']} logged models, "
            f"{one['traces']} traces, {one['files']} files, {amount(one['bytes'])}"
        )
    lines += [f"registered model {one['as']}: {one['versions']} versions" for one in found["models"]]
    lines += [f"left out: {one}" for one in found["left_out"]]
    return "\n".join([*lines, "nothing was written, because of DRY=1"])
