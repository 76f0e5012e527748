"""Label selectors, evaluated as in Kubernetes."""

from collections.abc import Mapping

from .objects import Requirement, Selector


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """True if all parts of the selector match these labels."""
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(_holds(one, labels) for one in selector.get("matchExpressions", []))


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.get("key", ""))
    listed = value in requirement.get("values", [])
    match requirement.get("operator"):
        case "In":
            return listed
        case "NotIn":
            return not listed
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case other:
            # The API server rejects such a selector. A wrong guess could allow connections that must be refused.
            raise ValueError(f"label selector: unknown operator {other!r}")
