"""Translation of pydantic's errors into mistakes, each with a problem and a remedy."""

import difflib
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from settings import outline
from settings.faults import Fault, path_of, shown, sounds_secret
from settings.outline import Place
from settings.secrets import PROJECT
from settings.suggestions import unknown
from settings.types.kinds import WRONG_KIND

ELSEWHERE = "see docs/configuration.md"
_AZURE = "Azure Blob Storage has no S3 interface: use a store with one (docs/own-services.md)"
_GOOGLE = "use kind `s3` with the S3 interface of Google Cloud Storage (docs/own-services.md)"
# Remedies for kinds that people look for and that are not there.
ABSENT = {
    ("artifacts.kind", "azure"): _AZURE,
    ("artifacts.kind", "wasbs"): _AZURE,
    ("artifacts.kind", "gcs"): _GOOGLE,
    ("artifacts.kind", "gs"): _GOOGLE,
}


def translate(error: ValidationError, model: type[BaseModel], *, stack: str, encrypted: Collection[str]) -> list[Fault]:
    """One mistake for each error of pydantic; values below the keys in `encrypted` are not shown."""
    found: list[Fault] = []
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            # The list or mapping has entries in the file; the wrong entries are reported themselves.
            continue
        place = outline.locate(model, details["loc"])
        if details["type"] == "extra_forbidden":
            found.append(Fault(path_of(place.steps), *unknown(place, model, stack)))
        else:
            hidden = place.steps[0] in encrypted or any(sounds_secret(str(step)) for step in place.steps)
            found.append(_fault(details, place, hidden=hidden))
    return found


def _fault(details: ErrorDetails, place: Place, *, hidden: bool) -> Fault:
    path = path_of(place.steps)
    value: Any = details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    found = "found a value that is not shown" if hidden else f"found {shown(value)}"
    expected = outline.words(place.field) if place.field else "a mapping"
    kinds = outline.choices(place.field) if place.field else []
    match details["type"]:
        case "missing":
            problem, remedy = f"is missing; expected {expected}", _addition(place)
        case "union_tag_not_found":
            path, problem, remedy = f"{path}.kind", f"is missing; expected {outline.one_of(kinds)}", "add one of them"
        case "union_tag_invalid":
            path, problem = f"{path}.kind", f"expected {outline.one_of(kinds)}, found {shown(value['kind'])}"
            remedy = ABSENT.get((path, str(value["kind"]).lower())) or _nearest(str(value["kind"]), kinds)
        case "literal_error":
            problem, remedy = f"expected {expected}, {found}", _nearest(str(value), outline.alternatives(place.field))
        case "model_type" | "dict_type":
            # The text may be meant for a key in the section, and be a password.
            problem, remedy = f"expected a mapping, found {_shape(value)}", _section_remedy(value)
        case "tuple_type":
            problem, remedy = f"expected {expected}, found {_shape(value)}", "write a list in brackets: [one, two]"
        case "too_short":
            problem, remedy = "is empty; expected at least one entry", "add one"
        case kind if kind == WRONG_KIND:
            problem = f"expected {context['meaning']}, {found}"
            remedy = ELSEWHERE if hidden else str(context["remedy"])
        case _:
            problem, remedy = f"{details['msg']}, {found}", ELSEWHERE
    return Fault(path, problem, remedy)


def _nearest(text: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(text.lower(), list(choices), n=1)
    return f"did you mean `{near[0]}`?" if near else "choose one of them"


def _addition(place: Place) -> str:
    *above, last = place.steps
    return f"add `{last}:` to `{path_of(above)}`" if above else f"add `{PROJECT}:{last}:`"


def _shape(value: object) -> str:
    return "a string" if isinstance(value, str) else shown(value)


def _section_remedy(value: object) -> str:
    if value is None:
        return "write the mapping's keys on indented lines, or {} for the defaults"
    if isinstance(value, list):
        return "write indented `name: value` lines, without dashes"
    return "write the mapping's keys on indented lines"
