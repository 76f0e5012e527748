"""The section `console`."""

from settings.schema.base import Model
from settings.types import values


class Console(Model):
    """Entries in the web console of the cluster; all of them lead to the platform's URL."""

    tools_menu: values.Flag = False
    """Entry in the Tools menu of Alauda AI: the ConfigMap `aml-mlflow-menu-config` in the platform's namespace."""

    console_link: values.Flag = False
    """Link in the application menu of OpenShift's web console: a ConsoleLink. On a cluster without this kind, a preview
    fails."""

    text: values.Plain = "MLflow"
    """Text of the entries."""

    section: values.Plain = "Machine learning"
    """Heading in OpenShift's application menu; a new one if no other link has it."""
