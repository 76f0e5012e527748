"""Rule against plain-text secrets in environment variables, command lines and ConfigMaps."""

import re
from collections.abc import Iterator

from .node import Node
from .pods import containers_of
from .resource import Resource

WORDS = r"(password|passwd|passphrase|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key)"
# A name that ends with such a word holds a secret; longer ones (`..._FILE`, `..._TTL`) do not.
SECRET_NAME = re.compile(rf"(^|[-_.a-z]){WORDS}$", re.IGNORECASE)
SECRET_OPTION = re.compile(rf"^--?([\w-]*-)?{WORDS}=(?!(true|false)$).", re.IGNORECASE)
URL_WITH_PASSWORD = re.compile(r"\w://[^/\s:@]*:[^/\s@$]+@")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def without_literals(resource: Resource) -> Iterator[str]:
    """Pods and ConfigMaps contain no passwords, tokens or keys."""
    for container in containers_of(resource):
        for variable in container.spec["env"].each():
            for reason in _reasons(variable["name"].text, variable["value"]):
                yield f"{container.label}: env `{variable['name'].text}` {reason}: use valueFrom.secretKeyRef"
        for part in ("command", "args"):
            for word in container.spec[part].texts():
                if SECRET_OPTION.match(word) or _has_secret(word):
                    yield f"{container.label}: {part} contains a secret: pass it in a file or variable from a Secret"
    if resource.kind == "ConfigMap":
        for key, value in resource.inputs["data"].items():
            for reason in _reasons(key, value):
                yield f"data `{key}` {reason}: use a Secret"


def _reasons(name: str, value: Node) -> Iterator[str]:
    if SECRET_NAME.search(name) and value.text:
        yield "looks like a secret in plain text"
    elif _has_secret(value.text):
        yield "contains a secret in plain text"


def _has_secret(text: str) -> bool:
    return bool(URL_WITH_PASSWORD.search(text) or PRIVATE_KEY.search(text))
