"""Makes the authorization plugin refuse collections to callers who may not list them.

The plugin 2.1.0 lets such callers search, and removes what they may not see from the answer, or from the ids in the
request. The rest reveals what was removed: `{"experiments": []}` instead of `{}` means that a filter matched, and page
tokens mean that there is more. The plugin does so for permissions on single objects by name (`resourceNames` in RBAC).
The platform's roles have none, so whoever may not list everything may list nothing.

The list of workspaces is still filtered: every caller may list workspaces, and gets only their own.
"""

from collections.abc import MutableMapping
from typing import Any

from mlflow_kubernetes_plugins.auth import graphql, rules
from mlflow_kubernetes_plugins.auth.collection_filters import COLLECTION_POLICY_BROAD_ONLY

TABLES: tuple[MutableMapping[Any, Any], ...] = (rules.REQUEST_AUTHORIZATION_RULES, rules.PATH_AUTHORIZATION_RULES)


def refuse_instead_of_filtering() -> None:
    """Replace the rules of the plugin; call it before `middleware.create_app` compiles them.

    Raises:
        RuntimeError: a rule still filters.
    """
    for table in TABLES:
        for key, value in table.items():
            changed = tuple(_without_names(rule) for rule in rules._normalize_rules(value))
            table[key] = changed[0] if isinstance(value, rules.AuthorizationRule) else changed
    policies = graphql.GRAPHQL_FIELD_AUTH_POLICY_MAP
    policies.update(dict.fromkeys(policies, graphql.GRAPHQL_FIELD_AUTH_POLICY_BROAD_ONLY))
    graphql.GRAPHQL_FIELD_RESOURCE_NAME_PARSERS.clear()
    if filtering := _filtering():
        message = f"These rules of the authorization plugin answer with a part of a collection: {', '.join(filtering)}"
        raise RuntimeError(message)


def _without_names(rule: rules.AuthorizationRule) -> rules.AuthorizationRule:
    """The rule without exceptions for callers with a permission on single objects."""
    return rule._replace(
        collection_policy=rule.collection_policy and COLLECTION_POLICY_BROAD_ONLY,
        fallback_to_collection_policy_on_missing_resource_reference=False,
        # Where the rule holds only if the request names an object, its name is still looked up.
        resource_name_parsers=rule.resource_name_parsers if rule.allow_if_resource_reference_missing else (),
    )


def _filtering() -> list[str]:
    """The rules that do not simply allow or refuse."""
    found = [
        str(key)
        for table in TABLES
        for key, value in table.items()
        for rule in rules._normalize_rules(value)
        if rule.collection_policy not in {None, COLLECTION_POLICY_BROAD_ONLY}
        or rule.fallback_to_collection_policy_on_missing_resource_reference
    ]
    fields = graphql.GRAPHQL_FIELD_AUTH_POLICY_MAP
    allowed = graphql.GRAPHQL_FIELD_AUTH_POLICY_BROAD_ONLY
    return found + [f"GraphQL {field}" for field, policy in fields.items() if policy != allowed]
