"""Maximum number of server pods, and checks of the autoscaler and of the server's CPU."""

from collections.abc import Iterator
from dataclasses import dataclass

from settings.draft import Draft
from settings.faults import Fault
from settings.sizing.remedies import either, setting
from settings.types.quantities import cpu_in_cores

# A rolling update starts one new pod before it stops an old one (components/mlflow/rollout.py).
SURGE = 1
# Kinds whose volume only one pod can mount: the old pod stops before the new one starts.
EXCLUSIVE = {"database.kind": "sqlite", "artifacts.kind": "volume"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pods:
    """Minimum and maximum number of server pods, and the additional pods during a rollout."""

    replicas: int
    most: int
    """The autoscaler's maximum; same as `replicas` if there is no autoscaler."""

    scaled: bool
    """True if `server.autoscaling` is set."""

    surge: int

    def __str__(self) -> str:
        """The maximum number of pods, as a part of a calculation in messages."""
        name = "autoscaling.maxReplicas" if self.scaled else "replicas"
        return f"({name} {self.most} + {self.surge} surge)" if self.surge else f"{name} {self.most}"

    def fewer(self, most: int) -> Iterator[str]:
        """Yield the remedy that limits the server to `most` pods; nothing if `most` is too small."""
        if self.scaled and most > self.replicas:
            yield setting({"server.autoscaling.maxReplicas": most})
        elif not self.scaled and most >= 1:
            yield setting({"server.replicas": most})


def pods(draft: Draft) -> Pods | None:
    """Minimum and maximum number of server pods; None if a value is wrong."""
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
    """True if `server.autoscaling` is set, by the stack file or the profile."""
    return draft.value("server.autoscaling") is not None


def autoscaler(draft: Draft) -> Iterator[Fault]:
    """Check that the autoscaler can add pods, and that a pod can reach the CPU target."""
    replicas, most = draft.number("server.replicas"), draft.number("server.autoscaling.maxReplicas")
    if not scaling(draft) or replicas is None:
        return
    if most is not None and most <= replicas:
        yield Fault(
            "server.autoscaling.maxReplicas",
            f"expected more than server.replicas {draft.said('server.replicas')}, the autoscaler's minimum; "
            f"found {draft.said('server.autoscaling.maxReplicas')}",
            either([setting({"server.autoscaling.maxReplicas": replicas + 1}), "set server.autoscaling null"]),
        )
    for path, kind in EXCLUSIVE.items():
        if draft.text(path) == kind and draft.says("server.autoscaling"):
            yield Fault(
                "server.autoscaling",
                f"several pods cannot share the volume of {path} `{kind}`",
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
    """Check that the server's CPU limit is at least its CPU request."""
    least, most = (cpu_in_cores(draft.text(f"server.{key}") or "") for key in ("cpu", "cpuLimit"))
    if least is not None and most is not None and least > most:
        yield Fault(
            "server.cpu",
            f"{draft.said('server.cpu')} is more than server.cpuLimit {draft.said('server.cpuLimit')}",
            "lower server.cpu or raise server.cpuLimit",
        )
