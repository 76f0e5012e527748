import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

from testbed import versions
from testbed.build import upgrades
from testbed.build.upgrades import repinned, with_file

TODAY = (
    "# made by a machine\na==1 \\\n    --hash=sha256:aa\n    # via b\nmlflow==1.2.3 \\\n    --hash=sha256:bb\nz==2\n"
)
PINS = "# of before\nmlflow==3.16.1 \\\n    --hash=sha256:cc\n"


def test_what_is_pinned_otherwise_takes_the_place_of_todays() -> None:
    assert repinned(TODAY, PINS) == TODAY.replace("1.2.3", "3.16.1").replace("bb", "cc")


def test_the_image_of_before_differs_in_mlflow_and_its_plugin_alone() -> None:
    today = (upgrades.MLFLOW / "requirements.txt").read_text()
    before = repinned(today, (upgrades.EQUIPMENT / "requirements.txt").read_text())
    pins = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
    changed = set(pins.findall(before)) - set(pins.findall(today))
    assert {name for name, _ in changed} == {
        "mlflow",
        "mlflow-skinny",
        "mlflow-tracing",
        "mlflow-kubernetes-plugins",
    }
    assert ("mlflow", versions.MLFLOW_PREVIOUS) in changed


def _archive(file: Path) -> None:
    with tarfile.open(file, "w") as made:
        for name, content in {
            "one.tar": b"layer",
            "c.json": json.dumps({"rootfs": {"diff_ids": ["sha256:1"]}, "history": [{}]}).encode(),
            "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["one.tar"]}]).encode(),
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))


def test_an_image_gets_a_layer_with_a_file_and_names_of_its_own(tmp_path: Path) -> None:
    _archive(tmp_path / "old.tar")
    with_file(tmp_path / "old.tar", tmp_path / "new.tar", "opt/x.py", b"pass\n", ("b:1", "b:2"))
    with tarfile.open(tmp_path / "new.tar") as made:
        content = {member.name: made.extractfile(member) for member in made}
        read = {name: file.read() for name, file in content.items() if file}
    (manifest,) = json.loads(read["manifest.json"])
    assert manifest["RepoTags"] == ["b:1", "b:2"]
    assert manifest["Layers"][0] == "one.tar"
    layer = read[manifest["Layers"][1]]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        file = files.extractfile("opt/x.py")
        assert file
        assert file.read() == b"pass\n"
    configuration = json.loads(read[manifest["Config"]])
    assert configuration["rootfs"]["diff_ids"] == ["sha256:1", f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert len(configuration["history"]) == 2
