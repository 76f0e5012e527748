"""All rules of the pack, and the list of Pulumi policies made from them."""

from pulumi_policy import Policy

from . import catalogue_aws, catalogue_cluster, catalogue_pods
from .rule import Rule

RULES: tuple[Rule, ...] = (*catalogue_pods.RULES, *catalogue_cluster.RULES, *catalogue_aws.RULES)
POLICIES: list[Policy] = [rule.policy() for rule in RULES]
