from components.exposure.console import Console, ConsoleArgs
from components.exposure.gateway import Address
from tests.components.parts import NAMESPACE
from tests.harness import Recording, deploy
from tests.program.stacks import recorded, run

PATH = {"kind": "ingress", "path": "/clusters/demo/mlflow"}
DEFINITION = "consolelinks.console.openshift.io"


def entries(*, tools_menu: bool = False, console_link: bool = False) -> Recording:
    def program() -> None:
        args = ConsoleArgs(
            namespace=NAMESPACE,
            address=Address(host="mlflow.example.com"),
            text="Experiments",
            section="Data science",
            tools_menu=tools_menu,
            console_link=console_link,
        )
        Console("console", args)

    return deploy(program)


def test_the_entry_of_the_tools_menu_has_the_name_and_the_label_that_the_console_looks_for() -> None:
    entry = entries(tools_menu=True).one("ConfigMap").inputs
    assert entry["metadata"]["name"] == "aml-mlflow-menu-config"
    assert entry["metadata"]["namespace"] == NAMESPACE
    assert entry["metadata"]["labels"]["aml.cpaas.io/centralMenuItem"] == "true"
    assert entry["data"] == {"name": "Experiments", "url": "https://mlflow.example.com"}


def test_the_link_is_in_openshifts_application_menu() -> None:
    link = entries(console_link=True).one("ConsoleLink").inputs
    assert link["apiVersion"] == "console.openshift.io/v1"
    assert link["spec"] == {
        "location": "ApplicationMenu",
        "href": "https://mlflow.example.com",
        "text": "Experiments",
        "applicationMenu": {"section": "Data science"},
    }
    assert "name" not in link["metadata"], "a cluster may have several platforms"


def test_the_link_reads_its_kind_so_that_a_preview_fails_on_a_cluster_without_it() -> None:
    got = entries(console_link=True)
    assert got.reads == {"console-needs-openshift": DEFINITION}
    assert got.one("ConsoleLink").dependencies == {"console-needs-openshift"}
    assert entries(tools_menu=True).reads == {}


def test_each_entry_is_absent_unless_asked_for() -> None:
    assert entries(tools_menu=True).of("ConsoleLink") == entries(console_link=True).of("ConfigMap") == []
    assert recorded("dev").of("Console") == recorded("prod").of("Console") == []


def test_both_entries_lead_to_the_platforms_one_address() -> None:
    got = run("dev", console={"toolsMenu": True, "consoleLink": True}, gateway=PATH)
    url = f"https://mlflow.localhost{PATH['path']}"
    assert got.exports["url"] == url
    assert got["console-link"].inputs["spec"]["href"] == got["console-tools-menu"].inputs["data"]["url"] == url
    assert got["console-tools-menu"].inputs["metadata"]["namespace"] == "mlflow"
