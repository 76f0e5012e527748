import pytest

from tests.tools.scan.outputs import ACTIONLINT, CHECKOV, KUBE_SCORE, NOTHING, POD_SECURITY, TARGETS, ZIZMOR, printed
from tools.scan import findings
from tools.scan.findings import Finding, OutputError


def test_a_finding_of_checkov_names_the_resource_of_its_file() -> None:
    expected = Finding(
        scanner="checkov", rule="CKV_K8S_43", target="dev/Deployment/web", message="Image should use digest"
    )
    assert list(findings.checkov(printed(CHECKOV), TARGETS)) == [expected]


def test_checkov_prints_a_list_for_several_kinds_of_files_and_sums_alone_for_none() -> None:
    assert len(list(findings.checkov(printed([CHECKOV, CHECKOV]), TARGETS))) == 2
    assert list(findings.checkov(printed(NOTHING), TARGETS)) == []


def test_kube_scores_warnings_and_worse_are_findings_with_the_containers_they_are_about() -> None:
    found = {one.rule: one.message for one in findings.kube_score(printed(KUBE_SCORE), TARGETS)}
    assert found == {
        "deployment-replicas": "Deployment few replicas",
        "container-image-pull-policy": "web: is not set to Always; proxy: is not set to Always",
    }


def test_a_pod_that_kubernetes_would_refuse_is_a_finding_for_each_reason() -> None:
    found = [(one.rule, one.target) for one in findings.pod_security(POD_SECURITY, TARGETS)]
    assert found == [("seccompProfile", "dev/Deployment/web"), ("runAsNonRoot != true", "dev/Job/migration")]


def test_a_finding_of_zizmor_names_its_primary_line_and_what_a_comment_ignores_is_none() -> None:
    (found,) = findings.zizmor(printed(ZIZMOR), TARGETS)
    assert (found.rule, found.target) == ("unpinned-uses", ".github/workflows/test.yml")
    assert found.message == "line 7: unpinned action reference: here"


def test_a_mistake_that_actionlint_finds_names_its_line() -> None:
    (found,) = findings.actionlint(printed(ACTIONLINT), TARGETS)
    assert (found.rule, found.message) == ("expression", "line 9: undefined variable")


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):"])
def test_a_scanner_that_breaks_is_not_a_scanner_that_finds_nothing(output: str) -> None:
    for reader in (findings.checkov, findings.kube_score, findings.zizmor, findings.actionlint):
        with pytest.raises(OutputError, match="printed no JSON"):
            list(reader(output, TARGETS))
