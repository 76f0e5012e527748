"""When Services and Ingresses lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.kinds import name_of_object
from testbed.providers.kubernetes.ready.rule import ENDPOINTS, SERVICES, Rule, Sight
from testbed.providers.values import dig, mapping, objects, text

if TYPE_CHECKING:
    from testbed.providers.values import Object

SETTLING: Final = 10.0
"""Seconds after the last change of Endpoints before they are believed."""

PATIENCE: Final = 60.0
"""Seconds after which an Ingress no longer waits for Endpoints if there never were any."""


class Service(Rule):
    """A load balancer has an address; the Endpoints have settled and no pod is unready.

    No pods at all is fine; what has no selector, is headless or is an external name has no pods
    to wait for.
    """

    looks_at = (ENDPOINTS,)

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Begin with nothing seen."""
        super().__init__(written, previous)
        self._service = written
        self._seen_version = ""
        self._changed_at = 0.0
        self._pods_ready = False

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge, giving Endpoints time to settle after each change."""
        if sight.live is None:
            return False
        self._service = sight.live
        if not self._waits_for_pods():
            return self._has_address()
        self._look_at_endpoints(sight, now)
        settled = bool(self._seen_version) and now - self._changed_at >= SETTLING
        self.progress = (
            "Attempting to allocate IP address to Service"
            if settled and self._pods_ready
            else "Finding Pods to direct traffic to"
        )
        return self._has_address() and settled and self._pods_ready

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge the Endpoints as they are."""
        if sight.live is None:
            return False
        self._service = sight.live
        self._look_at_endpoints(sight, 0.0)
        return self._has_address() and (self._pods_ready or not self._waits_for_pods())

    def _waits_for_pods(self) -> bool:
        spec = mapping(self._service, "spec")
        return bool(
            mapping(spec, "selector") and text(spec, "clusterIP") != "None" and text(spec, "type") != "ExternalName"
        )

    def _has_address(self) -> bool:
        if text(self._service, "spec", "type") != "LoadBalancer":
            return True
        return bool(objects(self._service, "status", "loadBalancer", "ingress"))

    def _look_at_endpoints(self, sight: Sight, now: float) -> None:
        for endpoints in sight.of(ENDPOINTS):
            if name_of_object(endpoints) != self.name:
                continue
            version = text(endpoints, "metadata", "resourceVersion")
            if version != self._seen_version:
                self._seen_version, self._changed_at = version, now
            self._pods_ready = not any(objects(subset, "notReadyAddresses") for subset in objects(endpoints, "subsets"))

    def reasons(self) -> list[str]:
        """Say what the Service lacks."""
        lines: list[str] = []
        if self._waits_for_pods() and not self._pods_ready:
            lines.append(
                "Service does not target any Pods. Selected Pods may not be ready, or "
                "field '.spec.selector' may not match labels on any Pods"
            )
        if not self._has_address():
            lines.append("Service was not allocated an IP address; does your cloud provider support this?")
        return lines


class Ingress(Rule):
    """A controller has published an address, and every rule's Service has Endpoints."""

    looks_at = (SERVICES, ENDPOINTS)

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Begin with nothing seen."""
        super().__init__(written, previous)
        self._ingress = written
        self._began_at: float | None = None
        self._seen: dict[str, str] = {}
        self._changed_at = 0.0
        self._missing: list[str] = []
        self._settled = False

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge; a Service that never gets Endpoints stops blocking after a while."""
        if self._began_at is None:
            self._began_at = now
        seen = {name_of_object(entry): text(entry, "metadata", "resourceVersion") for entry in sight.of(ENDPOINTS)}
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        patience = SETTLING if self._seen else PATIENCE
        self._settled = now - max(self._changed_at, self._began_at) >= patience
        return self._judge(sight)

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge as it is; missing Endpoints do not count then."""
        self._settled = True
        return self._judge(sight)

    def _judge(self, sight: Sight) -> bool:
        if sight.live is None:
            return False
        self._ingress = sight.live
        leads_on = {name_of_object(entry) for entry in sight.of(ENDPOINTS)} | {
            name_of_object(service) for service in sight.of(SERVICES) if text(service, "spec", "type") == "ExternalName"
        }
        self._missing = [name for name in self._targets() if name not in leads_on]
        if self._missing and self._settled:
            self.progress = f"No matching service found for ingress rule: {self._missing[0]}"
        elif self._missing:
            self.progress = "Finding a matching service for each Ingress path"
        else:
            self.progress = "Waiting for update of .status.loadBalancer with hostname/IP"
        return self._has_address() and (self._settled or not self._missing)

    def _targets(self) -> list[str]:
        return [
            name
            for rule in objects(self._ingress, "spec", "rules")
            for path in objects(rule, "http", "paths")
            if (name := text(path, "backend", "service", "name"))
        ]

    def _has_address(self) -> bool:
        return bool(dig(self._ingress, "status", "loadBalancer", "ingress"))

    def reasons(self) -> list[str]:
        """Say what the Ingress lacks."""
        lines: list[str] = []
        if self._missing and not self._settled:
            lines.append("Ingress has at least one rule with an unavailable target endpoint.")
        if not self._has_address():
            lines.append(
                "Ingress .status.loadBalancer field was not updated with a hostname/IP address. "
                "\n    for more information about this error, see https://pulumi.io/xdv72s"
            )
        return lines
