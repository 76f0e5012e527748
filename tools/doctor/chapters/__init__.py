"""The chapters of the diagnosis, causes before their consequences.

A chapter is a function of the facts that returns the first fault it finds. A further chapter is a module here and a
line in `CHAPTERS`, at the place where everything that can cause its faults stands before it. What it looks at has to be
among the facts: kinds of objects are listed in `tools/doctor/collect/kinds.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.doctor.chapters import access, backing, entry, networks, objects, requests, workloads
from tools.doctor.facts import Facts
from tools.doctor.fault import Fault


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its name in the report, and its examination."""

    name: str
    examine: Callable[[Facts], Fault | None]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("clock", entry.clock),
    Chapter("namespace", objects.namespaces),
    Chapter("workspace label", objects.labels),
    Chapter("role binding", access.roles),
    Chapter("configuration", objects.configuration),
    Chapter("menu entry", objects.menu),
    Chapter("network policy", networks.policies),
    Chapter("service", objects.services),
    Chapter("ingress", objects.routes),
    Chapter("cluster DNS", backing.dns),
    Chapter("database server", workloads.database),
    Chapter("artifact store server", workloads.store),
    Chapter("migration", workloads.jobs),
    Chapter("database", backing.database),
    Chapter("schema", backing.schema),
    Chapter("artifact store", backing.store),
    Chapter("ingress controller", workloads.controller),
    Chapter("identity provider server", workloads.others),
    Chapter("issuer", backing.issuers),
    Chapter("server", workloads.server),
    Chapter("network plugin", networks.enforcement),
    Chapter("connections", networks.connections),
    Chapter("host name", entry.resolves),
    Chapter("address", entry.connects),
    Chapter("certificate", entry.certificate),
    Chapter("gateway", entry.health),
    Chapter("token", requests.token),
    Chapter("tracking", requests.tracking),
    Chapter("registry", requests.registry),
    Chapter("artifacts", requests.artifacts),
    Chapter("versions", requests.versions),
    Chapter("team quota", workloads.quotas),
    Chapter("certificate end", entry.certificate_end),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The first fault, and the chapter that found it."""

    chapter: str
    fault: Fault


def diagnose(facts: Facts, chapters: Sequence[Chapter] = CHAPTERS) -> Diagnosis | None:
    """The first cause of what is wrong; None if no chapter finds anything."""
    for chapter in chapters:
        fault = chapter.examine(facts)
        if fault is not None:
            return Diagnosis(chapter.name, fault)
    return None
