"""Recorded output of each scanner about one fault, without the parts that the reader ignores."""

import json

TARGETS = {
    "dev-001.yaml": "dev/Deployment/web",
    "dev-002.yaml": "dev/Job/migration",
    "test.yml": ".github/workflows/test.yml",
    "Dockerfile": "images/mlflow/Dockerfile",
}
CHECKOV = {
    "check_type": "kubernetes",
    "results": {
        "failed_checks": [
            {
                "check_id": "CKV_K8S_43",
                "check_name": "Image should use digest",
                "check_result": {"result": "FAILED", "evaluated_keys": ["spec/template/spec/containers/[0]/image"]},
                "file_path": "/dev-001.yaml",
                "resource": "Deployment.mlflow.web",
            }
        ]
    },
    "summary": {"passed": 0, "failed": 1, "checkov_version": "3.3.30"},
}
# Without any object that it has rules for, checkov prints sums alone.
NOTHING = {
    "passed": 0,
    "failed": 0,
    "skipped": 0,
    "parsing_errors": 0,
    "resource_count": 0,
    "checkov_version": "3.3.30",
}


def _check(rule: str, grade: int, *comments: tuple[str, str], skipped: bool = False) -> dict[str, object]:
    said = [
        {"path": path, "summary": summary, "description": "", "documentation_url": ""} for path, summary in comments
    ]
    return {"check": {"id": rule, "name": rule}, "grade": grade, "skipped": skipped, "comments": said or None}


KUBE_SCORE = [
    {
        "object_name": "Deployment/apps/v1/mlflow/web",
        "file_name": "/scan/dev-001.yaml",
        "checks": [
            _check("pod-probes", 10),
            _check("stable-version", 7, ("", "almost")),
            _check("deployment-replicas", 5, ("", "Deployment few replicas")),
            _check(
                "container-image-pull-policy", 1, ("web", "is not set to Always"), ("proxy", "is not set to Always")
            ),
            _check("deployment-has-host-podantiaffinity", 1, ("", "not read"), skipped=True),
        ],
    }
]
POD_SECURITY = """\
{"name":"dev-001.yaml","reason":"seccompProfile","detail":"pod or container \\"a\\" must set seccompProfile.type"}
{"name":"dev-002.yaml","reason":"runAsNonRoot != true","detail":"pod or container \\"a\\" must set runAsNonRoot=true"}
"""


def _place(row: int, kind: str) -> dict[str, object]:
    symbolic = {"key": {"Local": {"verbatim_path": ".github/workflows/test.yml"}}, "annotation": "here", "kind": kind}
    return {"symbolic": symbolic, "concrete": {"location": {"start_point": {"row": row, "column": 8}}}}


ZIZMOR = [
    {
        "ident": "unpinned-uses",
        "desc": "unpinned action reference",
        "locations": [_place(2, "Related"), _place(6, "Primary")],
        "ignored": False,
    },
    {"ident": "dangerous-triggers", "desc": "unsafe", "locations": [_place(1, "Primary")], "ignored": True},
]
ACTIONLINT = [
    {"message": "undefined variable", "filepath": ".github/workflows/test.yml", "line": 9, "kind": "expression"}
]


def printed(document: object) -> str:
    """A document as a scanner prints it."""
    return json.dumps(document)
