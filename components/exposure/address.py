"""Where the platform is found: one host name, perhaps below a path of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A public https address."""

    host: str
    path: str = ""
    """Empty for the whole host; else it begins with a slash and does not end with one."""

    @property
    def url(self) -> str:
        """What clients are given; without a slash at the end."""
        return f"https://{self.host}{self.path}"

    @property
    def origin(self) -> str:
        """What browsers compare: paths of one host are one origin."""
        return f"https://{self.host}"
