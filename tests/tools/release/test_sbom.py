import io
import json
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tools import sbom

NOW = datetime(2026, 12, 1, tzinfo=UTC)
A, B = "a" * 64, "b" * 64
REQUIREMENTS = f"""\
# How this file is made
Some.Package==1.2.3 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via mlflow
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:{A}
psycopg-binary==3.3.9 ; implementation_name != 'pypy' \\
    --hash=sha256:{B}
    # via -r requirements.in
"""


def python() -> list[dict[str, Any]]:
    return list(sbom.python_packages(REQUIREMENTS))


def test_a_python_package_is_named_as_pypi_names_it_with_the_hashes_of_its_files() -> None:
    package = python()[0]
    assert (package["name"], package["purl"]) == ("Some.Package", "pkg:pypi/some-package@1.2.3")
    (reference,) = package["externalReferences"]
    assert reference["hashes"] == [{"alg": "SHA-256", "content": A}, {"alg": "SHA-256", "content": B}]


def test_what_is_pinned_for_another_system_is_not_in_the_image() -> None:
    assert [package["name"] for package in python()] == ["Some.Package", "psycopg-binary"]


def test_a_debian_package_is_named_with_its_release_by_which_vulnerabilities_are_known() -> None:
    (package,) = sbom.debian_packages(["libc6\t2.41-12+deb13u1\tamd64\n", "\n"])
    assert package["purl"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64&distro=debian-13"
    dockerfile = (sbom.CHECKOUT / "images" / "mlflow" / "Dockerfile").read_text(encoding="utf-8")
    # Debian 13.
    assert set(re.findall(r"^FROM docker.io/library/debian:(\w+)", dockerfile, re.MULTILINE)) == {"trixie"}


def test_what_the_dockerfile_removes_again_is_not_in_the_image() -> None:
    dockerfile = (sbom.CHECKOUT / "images" / "mlflow" / "Dockerfile").read_text(encoding="utf-8")
    (removed,) = re.findall(r"pip uninstall --yes ([\w ]+?) ?\\$", dockerfile, re.MULTILINE)
    assert {name.replace("_", "-") for name in removed.split()} == sbom.REMOVED


@pytest.mark.parametrize("line", ["libc6 2.41 amd64", "dpkg-query: error: no packages"])
def test_another_output_than_that_of_dpkg_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="expected name, version and architecture"):
        list(sbom.debian_packages([line]))


def test_a_document_without_packages_is_none() -> None:
    with pytest.raises(ValueError, match="expected at least one package"):
        sbom.document("registry.example.com/mlflow", "1", [], NOW)


def test_a_package_that_is_there_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="each package only once"):
        sbom.document("registry.example.com/mlflow", "1", [*python(), *python()], NOW)


def test_the_same_image_has_the_same_number_and_another_one_has_not() -> None:
    one, other, later = (
        sbom.document("registry.example.com/mlflow", version, python(), NOW)["serialNumber"]
        for version in ("1", "1", "2")
    )
    assert one == other != later


def test_every_pin_of_the_servers_image_for_linux_is_in_its_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("libc6\t2.41-12\tamd64\n"))
    assert sbom.main(["registry.example.com/mlflow", "3.17.2-0.2.0"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["metadata"]["component"]["version"] == "3.17.2-0.2.0"
    pins = re.findall(r"^([\w.-]+)==(.*) \\$", sbom.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    expected = {name for name, rest in pins if not re.search(r"== '(win32|emscripten)'", rest)}
    names = {component["name"] for component in made["components"]}
    assert names == (expected - {"flit-core"}) | {"libc6", "mlflow-platform-server"}
    assert "mlflow" in names
    assert set(made["dependencies"][0]["dependsOn"]) == {one["bom-ref"] for one in made["components"]}
