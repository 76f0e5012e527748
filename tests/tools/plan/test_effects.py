from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.access.words import PLAIN
from tools.plan import report
from tools.plan.effects import certificates, effects
from tools.plan.preview import Step

TLS: dict[str, Any] = {"type": "kubernetes.io/tls"}
RENEWED = step("replace", "Secret", "certificate-host", old=TLS, new=TLS)


def told(*steps: Step) -> list[str]:
    return effects(planned(preview(*steps)), PLAIN)


def inside(kind: str, name: str, **fields: Any) -> Step:  # noqa: ANN401 - fields of an object
    return step("create", kind, name, new={"metadata": {"name": name, "namespace": "team-c"}, **fields})


def authority(op: str, new: str) -> Step:
    return step(op, "ConfigMap", "mlflow-ca", old={"data": {"ca.crt": "one"}}, new={"data": {"ca.crt": new}})


def test_a_job_that_runs_again_says_what_it_does_and_a_migration_is_said_elsewhere() -> None:
    bucket = step("replace", "Job", "object-store-bucket", old={}, new={})
    assert told(bucket) == [
        "Job object-store-bucket runs again: it makes the bucket if that is missing, and changes nothing that exists"
    ]
    parent = "urn:pulumi:dev::p::mlflow-platform:index:SchemaMigration::migration"
    assert told(step("replace", "Job", "migration-job", old={}, new={}, parent=parent)) == []


def test_a_job_that_runs_again_for_its_image_says_so() -> None:
    path = "spec.template.spec.containers[0].image"
    (found,) = told(step("replace", "Job", "object-store-bucket", old={}, new={}, changed=(path,)))
    assert found.startswith("Job object-store-bucket runs again, because it uses the same image: ")


def test_a_certificate_is_named_by_the_hosts_that_it_is_for() -> None:
    tls = [{"hosts": ["mlflow.example.com"], "secretName": "certificate-host"}]
    ingress = step("update", "Ingress", "mlflow", old={}, new={"spec": {"tls": tls}})
    (found,) = certificates(planned(preview(RENEWED, ingress)), PLAIN)
    assert found.startswith("New certificates of mlflow.example.com: ")


def test_the_role_of_the_gateway_that_names_somebody_else_gives_no_right() -> None:
    def bound(*names: str) -> dict[str, Any]:
        subjects = [{"kind": "Group", "name": name} for name in names]
        metadata = {"name": "mlflow-gateway", "namespace": "team-b"}
        return {"metadata": metadata, "roleRef": {"name": "mlflow-gateway"}, "subjects": subjects}

    (found,) = told(step("update", "RoleBinding", "gateway", old=bound("a"), new=bound("a", "interns")))
    assert found.startswith("Role mlflow-gateway of team-b is bound to Group interns too: use of endpoints")


def test_roles_of_a_new_namespace_are_listed_with_who_holds_them() -> None:
    bound = {"roleRef": {"name": "mlflow-manager"}, "subjects": [{"kind": "Group", "name": "team-c-users"}]}
    made = [
        step("create", "Namespace", "team-c", new={}),
        inside("Role", "mlflow-manager"),
        inside("Role", "mlflow-editor"),
        inside("RoleBinding", "mlflow-manager", **bound),
    ]
    assert told(*made) == [
        (
            "Kubernetes roles behind these rights in team-c: Group team-c-users holds mlflow-manager (read, create and"
            " change, delete); nobody holds mlflow-editor"
        )
    ]


def test_an_existing_namespace_is_said_to_stay() -> None:
    binding = inside("RoleBinding", "mlflow-viewer", roleRef={"name": "mlflow-viewer"}, subjects=[])
    made, taken = told(step("create", "NamespacePatch", "team-c", new={}), inside("Role", "mlflow-viewer"), binding)
    assert made.startswith("Kubernetes roles behind these rights in team-c: ")
    assert taken.startswith("Namespace team-c exists already, and keeps its content. Pods that run in it lose every ")
    labels = {"metadata": {"name": "team-c", "labels": {"mlflow-enabled": "true", "a": "b"}}}
    (given_back,) = told(step("delete", "NamespacePatch", "team-c", old=labels))
    assert given_back.startswith("Namespace team-c stays with its content: it loses the labels mlflow-enabled, a, ")


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ([authority("same", "one")], "the CA certificate stays, so nobody has to trust anything new"),
        ([], "whether clients have to trust another CA certificate is not known to this plan"),
    ],
)
def test_renewed_certificates_say_whether_anybody_has_to_trust_something_new(beside: list[Step], said: str) -> None:
    (found,) = certificates(planned(preview(RENEWED, *beside)), PLAIN)
    assert found.startswith(f"New certificates of certificate-host: {said}. ")
    assert found.endswith("Whether a connection fails in that moment was not measured")


def test_another_ca_certificate_is_an_interruption_until_it_is_trusted() -> None:
    changed = authority("replace", "other")
    assert list(certificates(planned(preview(RENEWED, changed)), PLAIN)) == []
    text = report.markdown([planned(preview(RENEWED, changed))])
    assert "clients have to trust another CA certificate" in text.splitlines()[3]
    assert "- CA certificate changes: programs and browsers that trust a copy of the old one are refused until" in text
    assert "- Plan who hands out the new CA certificate" in text


def test_a_renewed_certificate_is_not_said_to_interrupt_nothing() -> None:
    text = report.markdown([planned(preview(RENEWED, authority("same", "one")))])
    assert "no interruption" not in text
    assert report.headline(planned(preview(RENEWED))) == "dev: safe to apply"
