"""Data that MLflow looks for in another place: what has to be copied, and what happens to the old data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tools.plan.preview import Json, Step, parts
from tools.plan.risk import Risk

UNDONE = "take the change back and run `up`"
# Options of the server's command line that say where its data are.
MOVES = {"--artifacts-destination": "artifacts", "--backend-store-uri": "runs and models"}
ENDPOINT = "MLFLOW_S3_ENDPOINT_URL"
# Schemes of MLflow's URLs for an S3 store.
STORES = frozenset({"s3", "s3-proxied"})
BUCKET = "bucket "


def moved(step: Step) -> Iterator[Risk]:
    """The risk that a server is pointed to another artifact store or database, while the data stays in the old one."""
    for option, what in MOVES.items():
        before, after = _data_place(step.old, option), _data_place(step.new, option)
        if before and after and before != after:
            yield Risk(
                subject=what,
                what=f"MLflow looks for them in {after} instead of {before}, and does not find those of before",
                kept=f"they stay in {before}, until somebody deletes them",
                back=f"{UNDONE}; what was written to {after} meanwhile has to be copied to {before}",
                before=f"stop all writing to MLflow, copy the {what} from {before} to {after}"
                f"{_tool(before, after)}, and compare",
                short=f"{what} are looked for in {after}, where those of before are not; writing has to stop while"
                " somebody copies them",
                names=(before, after),
                moved=True,
            )


def _tool(*places: str) -> str:
    """The tool that copies between two places, in words."""
    return " with an S3 client, such as rclone" if all(place.startswith(BUCKET) for place in places) else ""


def _data_place(inputs: Json, option: str) -> str:
    """The place that an option of the server names, with the address of a store that is not at AWS."""
    for container in parts(inputs, "spec", "template", "spec", "containers"):
        for word in container.get("command") or ():
            name, _, place = str(word).partition("=")
            if name == option:
                addresses = [str(one.get("value")) for one in parts(container, "env") if one.get("name") == ENDPOINT]
                scheme, _, bucket = place.partition("://")
                if scheme not in STORES:
                    return place
                return " at ".join([f"{BUCKET}{bucket}", *addresses])
    return ""


def unserved(risk: Risk, serving: Mapping[str, str], steps: Sequence[Step]) -> Risk:
    """The risk of moved data, if the same plan deletes the store or database that served it.

    Args:
        risk: the risk.
        serving: what stays of each object that is deleted, by the object.
        steps: the plan's steps.
    """
    if not serving:
        return risk
    owners = {step.component for step in steps if step.object in serving}
    has_keys = any(step.kind == "RandomPassword" and step.op == "delete" and step.component in owners for step in steps)
    served = ", ".join(serving)
    with_keys, with_new = (" with its passwords and keys", ", with new passwords and keys") if has_keys else ("", "")
    return replace(
        risk,
        what=f"{risk.what}. This plan also deletes {served}{with_keys}, which served them",
        kept=f"{'; '.join(dict.fromkeys(serving.values()))}. Nothing serves the {risk.subject} from there after the"
        " `up`",
        back=f"{UNDONE}, which creates {served} again{with_new}; {risk.back.partition('; ')[2]}",
        before=f"{risk.before}. Do so before the `up`: it deletes {served}",
        short=f"{risk.short}; {served}, which serves them, is deleted",
        names=(*risk.names, *serving),
    )
