"""Entries in the web consoles of Kubernetes distributions that lead to the platform."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.exposure.gateway import Address
from components.kubernetes.pods import PART_OF

LABELS = {"app.kubernetes.io/part-of": PART_OF}
# Alauda AI's console looks for this label, and its troubleshooting page names the ConfigMap.
MENU_LABEL = {"aml.cpaas.io/centralMenuItem": "true"}
MENU_NAME = "aml-mlflow-menu-config"
LINK_DEFINITION = "consolelinks.console.openshift.io"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleArgs:
    """Input of `Console`."""

    namespace: pulumi.Input[str]
    address: Address
    text: str
    """Text of the entries."""

    section: str
    """Heading in OpenShift's application menu."""

    tools_menu: bool
    """Create the entry in Alauda AI's Tools menu."""

    console_link: bool
    """Create the link in OpenShift's application menu."""


class Console(pulumi.ComponentResource):
    """An entry in Alauda AI's Tools menu and a link in OpenShift's application menu; both are optional."""

    def __init__(self, name: str, args: ConsoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Console", name, None, opts)
        if args.tools_menu:
            k8s.core.v1.ConfigMap(
                f"{name}-tools-menu",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=MENU_NAME, namespace=args.namespace, labels={**LABELS, **MENU_LABEL}
                ),
                data={"name": args.text, "url": args.address.url},
                opts=pulumi.ResourceOptions(parent=self),
            )
        if args.console_link:
            self._link(name, args)
        self.register_outputs({})

    def _link(self, name: str, args: ConsoleArgs) -> None:
        # Reads the definition. A preview creates objects of an unknown kind without complaint, and `up` fails after a
        # minute of retries; a definition that cannot be read fails both at once.
        kind = k8s.apiextensions.v1.CustomResourceDefinition.get(
            f"{name}-needs-openshift", LINK_DEFINITION, opts=pulumi.ResourceOptions(parent=self)
        )
        k8s.apiextensions.CustomResource(
            f"{name}-link",
            api_version="console.openshift.io/v1",
            kind="ConsoleLink",
            # No explicit name: the kind has no namespaces, and a cluster may have several platforms.
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
            spec={
                "location": "ApplicationMenu",
                "href": args.address.url,
                "text": args.text,
                "applicationMenu": {"section": args.section},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[kind]),
        )
