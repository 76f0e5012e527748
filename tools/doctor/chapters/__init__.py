"""The chapters of the diagnosis, causes before their consequences.

A chapter is a function of the facts that returns the first fault it finds. To add a chapter, write it in a module here
and add a line to `CHAPTERS`, after all chapters whose faults can cause its own. A chapter can use only the gathered
facts; `tools/doctor/collect/kinds.py` lists the kinds of objects in them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.doctor.chapters import access, backing, entry, models, networks, objects, requests, workloads
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
    Chapter("served models", models.served),
    Chapter("certificate end", entry.certificate_end),
)
WITHOUT_A_SERVER: tuple[Chapter, ...] = (
    Chapter("clock", entry.clock),
    Chapter("namespace", objects.namespaces),
    Chapter("namespace labels", objects.labels),
    Chapter("configuration", objects.configuration),
    Chapter("network policy", networks.policies),
    Chapter("team quota", workloads.quotas),
    Chapter("tracking server", requests.connectivity),
)
"""Chapters about a stack whose tracking server somebody else runs."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The first fault, and the chapter that found it."""

    chapter: str
    fault: Fault


def chapters_about(facts: Facts) -> tuple[Chapter, ...]:
    """The chapters of the diagnosis of this stack."""
    return WITHOUT_A_SERVER if facts.platform.external else CHAPTERS


def diagnose(facts: Facts, chapters: Sequence[Chapter] | None = None) -> Diagnosis | None:
    """The first fault; None if no chapter finds any."""
    for chapter in chapters_about(facts) if chapters is None else chapters:
        fault = chapter.examine(facts)
        if fault is not None:
            return Diagnosis(chapter.name, fault)
    return None
