"""References of the rules: published standards, and documentation of the checked resources."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A page that makes the same demand as a rule, or explains the reason."""

    title: str
    """Name of the standard, and of the part that applies."""

    url: str


KUBERNETES = "https://kubernetes.io/docs"
SECURITY_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
PULUMI = "https://www.pulumi.com/docs/iac/concepts"
HARDENING_GUIDE = (
    "https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF"
)
POD_SECURITY = Reference(
    "Pod Security Standards, Restricted", f"{KUBERNETES}/concepts/security/pod-security-standards/"
)


def hardening(section: str) -> Reference:
    """A section of the Kubernetes Hardening Guide of NSA and CISA, version 1.2."""
    return Reference(f"NSA/CISA Kubernetes Hardening Guide, {section}", HARDENING_GUIDE)


def benchmark(number: str) -> Reference:
    """A recommendation of the CIS Kubernetes Benchmark."""
    return Reference(f"CIS Kubernetes Benchmark {number}", "https://www.cisecurity.org/benchmark/kubernetes")


def aws_benchmark(subject: str) -> Reference:
    """Recommendations of the CIS AWS Foundations Benchmark, whose numbers change with its versions."""
    return Reference(
        f"CIS AWS Foundations Benchmark, {subject}", "https://www.cisecurity.org/benchmark/amazon_web_services"
    )


def security_hub(control: str, page: str) -> Reference:
    """A control of the AWS Foundational Security Best Practices."""
    return Reference(f"AWS Foundational Security Best Practices {control}", f"{SECURITY_HUB}/{page}.html")
