"""The policy pack `mlflow-platform`, used by `pulumi preview --policy-pack policy`."""

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import POLICIES

PolicyPack("mlflow-platform", policies=POLICIES, enforcement_level=EnforcementLevel.MANDATORY)
