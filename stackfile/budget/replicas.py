"""How many pods of the server there may be at the same time, and whether the autoscaler's figures mean anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from stackfile.budget.remedies import either, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.quantities import cpu_in_cores

# A rolling update starts one new pod before it ends an old one (components/mlflow/server.py).
SURGE = 1
# What one pod alone can use: it is ended before another starts.
EXCLUSIVE = {"database.kind": "sqlite", "artifacts.kind": "volume"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pods:
    """Pods of the server."""

    replicas: int
    most: int
    """The same, or the autoscaler's maximum."""

    scaled: bool
    """Whether an autoscaler decides."""

    surge: int

    def __str__(self) -> str:
        """As a part of a sum."""
        name = "autoscaling.maxReplicas" if self.scaled else "replicas"
        return f"({name} {self.most} + {self.surge} while rolling)" if self.surge else f"{name} {self.most}"

    def fewer(self, most: int) -> Iterator[str]:
        """The way to have at most so many, where there is one."""
        if self.scaled and most > self.replicas:
            yield setting({"server.autoscaling.maxReplicas": most})
        elif not self.scaled and most >= 1:
            yield setting({"server.replicas": most})


def pods(draft: Draft) -> Pods | None:
    """The server's pods; None where a figure is wrong."""
    replicas = draft.number("server.replicas")
    if replicas is None:
        return None
    most, scaled = replicas, scaling(draft)
    if scaled:
        most = draft.number("server.autoscaling.maxReplicas")
        if most is None:
            return None
    alone = any(draft.text(path) == kind for path, kind in EXCLUSIVE.items())
    return Pods(replicas=replicas, most=max(most, replicas), scaled=scaled, surge=0 if alone else SURGE)


def scaling(draft: Draft) -> bool:
    """Whether there is an autoscaler."""
    return draft.value("server.autoscaling") is not None


def autoscaler(draft: Draft) -> Iterator[Fault]:
    """The autoscaler has room, and a mark that a pod can reach."""
    replicas, most = draft.number("server.replicas"), draft.number("server.autoscaling.maxReplicas")
    if not scaling(draft) or replicas is None:
        return
    if most is not None and most <= replicas:
        yield Fault(
            "server.autoscaling.maxReplicas",
            f"expected more than server.replicas {draft.said('server.replicas')}, with which the autoscaler begins; "
            f"found {draft.said('server.autoscaling.maxReplicas')}",
            either([setting({"server.autoscaling.maxReplicas": replicas + 1}), "set server.autoscaling null"]),
        )
    for path, kind in EXCLUSIVE.items():
        if draft.text(path) == kind and draft.says("server.autoscaling"):
            yield Fault(
                "server.autoscaling",
                f"further pods cannot share the volume of {path} `{kind}`",
                "set server.autoscaling null",
            )
    percent = draft.number("server.autoscaling.cpuPercent")
    request, limit = (cpu_in_cores(draft.text(f"server.{key}") or "") for key in ("cpu", "cpuLimit"))
    if percent is not None and request and limit and request * percent / 100 >= limit:
        reachable = int(limit / request * 100) - 1
        yield Fault(
            "server.autoscaling.cpuPercent",
            f"{percent} % of server.cpu {draft.said('server.cpu')} = {request * percent / 100:g} cores, which no pod "
            f"reaches with server.cpuLimit {draft.said('server.cpuLimit')}",
            either([setting({"server.autoscaling.cpuPercent": min(reachable, 70)}), "raise server.cpuLimit"]),
        )


def cpu(draft: Draft) -> Iterator[Fault]:
    """The limit admits the request."""
    least, most = (cpu_in_cores(draft.text(f"server.{key}") or "") for key in ("cpu", "cpuLimit"))
    if least is not None and most is not None and least > most:
        yield Fault(
            "server.cpu",
            f"{draft.said('server.cpu')} is more than server.cpuLimit {draft.said('server.cpuLimit')}",
            "lower the one or raise the other",
        )
