"""The settings of a stack together with what every component is given."""

from dataclasses import dataclass

import pulumi

from components.exposure.address import Address
from components.kubernetes.pods import Attachment
from components.login.forward_auth import REFRESH_MINUTES
from settings import DevelopmentLogin, IngressGateway, Secrets, Settings
from stackfile.mirror import mirrored


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Settings and secrets, the namespace and the options of every component, and what follows from them."""

    settings: Settings
    secrets: Secrets
    namespace: pulumi.Output[str]
    trust: Attachment
    """What makes containers of the server's image believe the company's own authorities."""

    opts: pulumi.ResourceOptions

    @property
    def address(self) -> Address:
        """Where the platform is found."""
        return Address(host=self.settings.host, path=self.settings.gateway.path or "")

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of the Secrets that every pod's images are pulled with."""
        return self.settings.images.pull_secrets

    def image(self, name: str) -> str:
        """An image as the cluster pulls it: from the mirror, where there is one."""
        return mirrored(name, self.settings.images.registry)

    @property
    def asks_login(self) -> bool:
        """Whether the controller asks a login about each request."""
        chosen = self.settings.gateway
        return isinstance(chosen, IngressGateway) and chosen.login == "forward-auth"

    @property
    def refresh_minutes(self) -> int:
        """How often a session asks the identity provider."""
        chosen = self.settings.sessions.refresh_minutes
        return min(chosen, REFRESH_MINUTES) if self.asks_login else chosen

    @property
    def hosts(self) -> dict[str, str]:
        """Host names that lead to the platform, by their roles."""
        if isinstance(self.settings.login, DevelopmentLogin):
            return {"host": self.settings.host, "identity": self.identity_host}
        return {"host": self.settings.host}

    @property
    def identity_host(self) -> str:
        """Host name of the development identity provider."""
        return f"dex.{self.settings.host}"
