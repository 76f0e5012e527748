"""Registered models, prompts, their versions and aliases."""

from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException

from tools.adopt import references
from tools.adopt.client.content import PROMPT, all_tags, is_prompt
from tools.adopt.references import FROM, ID

NO_STAGE = "None"
NO_VERSION, NOWHERE = "no version", "no-such-version"
MISSING = "This number had no version when the model was moved in."


def register(move):
    """Create what is missing of each registered model."""
    prefix = move.options["prefix"]
    there = {model.name: (model, versions) for model, versions in move.target.registered()}
    for old, versions in move.made.models:
        name = f"{prefix}{old.name}"
        try:
            _model(move, old, versions, name, there.get(name))
        except MlflowException as error:
            move.fail(f"registered model {name}", error)


def _model(move, old, versions, name, there):
    store = move.target.registry
    if there is None:
        tags = references.registered_tags(all_tags(old), move.ids, move.experiments) | move.tags(old.name)
        store.create_registered_model(
            name, [RegisteredModelTag(key, value) for key, value in tags.items()], old.description or None
        )
        move.counts["registered models"] += 1
        there = (None, {})
    known = there[1]
    highest = max(known, default=0)
    for number in range(1, max(versions, default=0) + 1):
        if number not in known and number > highest:
            _version(move, old, versions, name, number)
        elif number not in known and number in versions:
            move.report.left_out.append(f"version {number} of {name}: its number was used up by an earlier run")
    _finish(move, old, versions, name)


def _version(move, old, versions, name, number):
    """Create the version with the next number, or use the number up."""
    version = versions.get(number)
    described = _described(move, old, version) if version else None
    if described is None:
        if version:
            move.report.left_out.append(
                f"version {number} of {name}: its files at {version.source} are not among those of what is moved"
            )
        _gap(move, old, versions, name, number)
        return
    tags = references.tags(version.tags, move.ids) | move.tags(str(number))
    created = move.target.registry.create_model_version(
        name, tags=[ModelVersionTag(key, value) for key, value in tags.items()], **described
    )
    move.counts["versions"] += 1
    if int(created.version) != number:
        move.report.failed.append(f"version {number} of {name} became {created.version}: somebody else added one")


def _described(move, old, version):
    """Arguments of a version's copy; None if its files are not moved."""
    source = expected_source(move, old, version)
    if source is None:
        return None
    described = {"source": source, "description": version.description or None}
    if references.OF_VERSION.match(source):
        # The server takes run and logged model from the version that this one copies.
        return described
    # MLflow accepts a source only with the ID of the run or logged model whose files it is.
    owner = references.owner(version.source or "") or ""
    of_model = owner.startswith("m-")
    return described | {
        "run_id": move.ids.get(version.run_id if of_model else owner),
        "model_id": move.ids[owner] if of_model else None,
        "run_link": version.run_link or None,
    }


def expected_source(move, old, version):
    """Source of a version's copy; None if its files are not moved."""
    if is_prompt(old):
        return version.source
    return references.source(version.source or "", move.ids, _Locations(move), move.options["prefix"])


class _Locations:
    """Locations of artifacts in the workspace by old ID; a run's is asked for when it is needed."""

    def __init__(self, move):
        self._move = move

    def __contains__(self, old_id):
        return old_id in self._move.ids

    def __getitem__(self, old_id):
        known = self._move.locations.get(old_id)
        if known is None:
            known = self._move.target.run(self._move.ids[old_id]).info.artifact_uri
            self._move.locations[old_id] = known
        return known


def _gap(move, old, versions, name, number):
    """Use up the number of a version that does not exist, so that those after it keep theirs."""
    following = (_described(move, old, one) for one in versions.values())
    described = next((one for one in following if one is not None), None)
    if described is None:
        return
    store = move.target.registry
    tags = {FROM: move.options["origin"], ID: f"{NO_VERSION} {number}"}
    if is_prompt(old):
        tags[PROMPT] = "true"
    created = store.create_model_version(
        name,
        tags=[ModelVersionTag(key, value) for key, value in tags.items()],
        **(_without_files(move, described) | {"description": MISSING}),
    )
    try:
        store.delete_model_version(name, created.version)
    except MlflowException as error:
        if error.error_code != "PERMISSION_DENIED":
            raise
        move.report.left_out.append(
            f"version {number} of {name}: SOURCE has none. A version without files keeps the number free, because "
            "programs may not delete; a manager of the team can delete it"
        )


def _without_files(move, described):
    """Arguments of a version that nobody can load: its source is an empty folder of the run or logged model."""
    if described.get("run_id"):
        return described | {"source": f"runs:/{described['run_id']}/{NOWHERE}", "model_id": None}
    if described.get("model_id"):
        location = move.target.logged_model(described["model_id"]).artifact_location
        return described | {"source": f"{location}/{NOWHERE}"}
    return described


def _finish(move, old, versions, name):
    """Set stages and aliases."""
    store = move.target.registry
    model, there = move.target.registered_model(name)
    for number, version in versions.items():
        wanted = version.current_stage or NO_STAGE
        if number in there and (there[number].current_stage or NO_STAGE) != wanted:
            store.transition_model_version_stage(name, str(number), wanted, False)
    present = aliases(model, there)
    for alias, number in aliases(old, versions).items():
        if number in there and present.get(alias) != number:
            store.set_registered_model_alias(name, alias, str(number))


def is_gap(version):
    """True if a version only keeps a number free."""
    return version.tags.get(ID, "").startswith(NO_VERSION)


def aliases(model, versions):
    """Aliases of a model with the version of each."""
    found = {alias: int(version) for alias, version in dict(model.aliases or {}).items()}
    for number, version in versions.items():
        found |= dict.fromkeys(getattr(version, "aliases", None) or (), number)
    return found
