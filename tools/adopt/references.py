"""IDs of the old MLflow in what is moved, replaced with those of the copies."""

import re
from collections.abc import Mapping

# Tags of everything that was moved.
FROM = "adopted.from"
ID = "adopted.id"
# Of a run: who logged it. The platform writes the name of whoever moves it as the run's user.
USER = "adopted.user"
# Of an experiment: when it was created. IDs of experiments are numbers that every MLflow begins anew.
CREATED = "adopted.created"
COMPLETE = "adopted.complete"
# Values of the last one: filled, or to be filled again because a comparison has found it different.
YES, AGAIN = "true", "again"
OURS = frozenset({FROM, ID, USER, CREATED, COMPLETE})
_IDENTIFIER = r"(?:m-)?[0-9a-f]{32}"
_ANY = re.compile(rf"(?<![0-9A-Za-z]){_IDENTIFIER}(?![0-9A-Za-z])")
_LOCATION = re.compile(rf"/(?P<id>{_IDENTIFIER})/artifacts(?P<rest>/.*)?\Z")
_BY_ID = re.compile(rf"\A(?P<scheme>runs|models):/(?P<id>{_IDENTIFIER})(?P<rest>/.*)?\Z")
# A version may be a copy of another one.
OF_VERSION = re.compile(r"\Amodels:/(?P<name>[^/@]+)/(?P<version>\d+)\Z")
_USED_IN = "_mlflow_experiment_ids"
# MLflow writes these itself.
_MLFLOWS_OWN = frozenset({"mlflow.modelVersions"})


def replaced(text: str, ids: Mapping[str, str]) -> str:
    """A text with the IDs of the copies instead of those of the old runs and models."""
    return _ANY.sub(lambda found: ids.get(found[0], found[0]), text)


def tags(old: Mapping[str, str], ids: Mapping[str, str]) -> dict[str, str]:
    """Tags of a copy. MLflow's own tags name other runs, such as the parent; people's own stay as they are.

    Those of an earlier move are not copied: the copy gets its own.
    """
    return {
        key: replaced(value, ids) if key.startswith("mlflow.") else value
        for key, value in old.items()
        if key not in OURS | _MLFLOWS_OWN
    }


def registered_tags(old: Mapping[str, str], ids: Mapping[str, str], experiments: Mapping[str, str]) -> dict[str, str]:
    """Tags of a copy of a registered model or prompt; a prompt's name the experiments in which it is used."""
    copied = tags(old, ids)
    used = [experiments[one] for one in copied.pop(_USED_IN, "").split(",") if one in experiments]
    return copied | ({_USED_IN: f",{','.join(used)},"} if used else {})


def compared_tags(all_tags: Mapping[str, str]) -> dict[str, str]:
    """Tags of a registered model that are compared: MLflow notes where a prompt is used whenever it is read."""
    return {key: value for key, value in without_ours(all_tags).items() if key != _USED_IN}


def without_ours(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags without those that moving adds, or MLflow by itself."""
    return {key: value for key, value in tags.items() if key not in OURS | _MLFLOWS_OWN}


def owner(source: str) -> str | None:
    """ID of the run or logged model among whose files a version's source is; None if the source names none."""
    found = _BY_ID.match(source) or _LOCATION.search(source)
    return found["id"] if found else None


def source(old: str, ids: Mapping[str, str], locations: Mapping[str, str], prefix: str) -> str | None:
    """Source of a model version's copy; None if its files are not among those that are moved.

    Args:
        old: its source in the old MLflow.
        ids: new IDs of runs and logged models, by the old ones.
        locations: where the artifacts of runs and logged models are now, by their old ID.
        prefix: the prefix of names.
    """
    if found := OF_VERSION.match(old):
        return f"models:/{prefix}{found['name']}/{found['version']}"
    if (found := _BY_ID.match(old)) and found["id"] in ids:
        return f"{found['scheme']}:/{ids[found['id']]}{found['rest'] or ''}"
    if (found := _LOCATION.search(old)) and found["id"] in locations:
        return f"{locations[found['id']]}{found['rest'] or ''}"
    return None
