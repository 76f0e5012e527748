"""When volumes, claims, quotas and token Secrets have what they asked for."""

from __future__ import annotations

from typing import ClassVar, Final

from testbed.providers.kubernetes.kinds import name_of_object
from testbed.providers.kubernetes.ready.rule import MINUTE, STORAGE_CLASSES, Rule, Sight
from testbed.providers.values import dig, mapping, same, text

_POLLING: Final = "Timeout occurred polling for '{name}'"


class PersistentVolume(Rule):
    """Available or bound."""

    timeout: ClassVar[float] = 5 * MINUTE
    timeout_is_fixed: ClassVar[bool] = True
    timeout_text: ClassVar[str] = _POLLING

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the phase."""
        del now
        return text(sight.live, "status", "phase") in {"Available", "Bound"}


class PersistentVolumeClaim(Rule):
    """Bound; when the class binds only for a pod, a new claim has to be exactly pending."""

    looks_at = (STORAGE_CLASSES,)
    timeout: ClassVar[float] = 5 * MINUTE
    timeout_is_fixed: ClassVar[bool] = True
    timeout_text: ClassVar[str] = _POLLING

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the phase by how the class binds; a claim without class waits to be bound."""
        del now
        phase = text(sight.live, "status", "phase")
        wanted = text(sight.live, "spec", "storageClassName")
        binds_for_a_pod = any(
            name_of_object(found) == wanted and text(found, "volumeBindingMode") == "WaitForFirstConsumer"
            for found in sight.of(STORAGE_CLASSES)
        )
        if not binds_for_a_pod:
            return phase == "Bound"
        return phase == "Pending" or (phase == "Bound" and self.previous is not None)


class ResourceQuota(Rule):
    """The controller has taken the limits over."""

    timeout: ClassVar[float] = MINUTE
    timeout_is_fixed: ClassVar[bool] = True
    timeout_text: ClassVar[str] = _POLLING

    def ready(self, sight: Sight, now: float) -> bool:
        """Compare what is wanted with what is enforced."""
        del now
        wanted, enforced = dig(sight.live, "spec", "hard"), dig(sight.live, "status", "hard")
        return isinstance(wanted, dict) and same(wanted, enforced)


class TokenSecret(Rule):
    """The controller has put a service account's token in."""

    TYPE: Final = "kubernetes.io/service-account-token"

    timeout: ClassVar[float] = 5.0
    timeout_is_fixed: ClassVar[bool] = True
    timeout_text: ClassVar[str] = _POLLING

    def ready(self, sight: Sight, now: float) -> bool:
        """Look for any data."""
        del now
        return bool(mapping(sight.live, "data"))
