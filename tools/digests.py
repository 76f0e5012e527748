"""Write image digests into a stack file, for all images that its pods use, by their tags in the file or the defaults.

`python -m tools.digests STACK [SERVER_IMAGE]`; SERVER_IMAGE, with its digest, becomes `server.image`. Asks the
registries with `docker buildx imagetools`. Everything else in the file stays as it is, comments too.

Exit codes: 0 written; 1 an image has no digest, or the file cannot be changed this way, with the reason.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from settings import PROJECT, Settings, loader, validate
from settings.loader import Source
from settings.schema.server import Images
from tools.render.objects import render
from tools.stack_file import UnknownError, UnreadableError, file_name, read

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SECONDS = 120

Resolve = Callable[[str], str]
"""Function that returns the digest of an image."""


class DigestError(Exception):
    """An image has no digest, or the stack file cannot be changed; the message has the reason."""


def used(source: Source, stack: str) -> dict[str, str]:
    """The images that a stack's pods use, by their key in `images`.

    Raises:
        DigestError: the stack file has mistakes, or its images come from a mirror.
    """
    validation = validate(source, stack)
    settings = validation.settings
    if validation.mistakes or not isinstance(settings, Settings):
        raise DigestError(f"{file_name(stack)} has mistakes, or no server: `make check STACK={stack}` lists them")
    if settings.images.registry:
        raise DigestError(
            "images.registry names a mirror, whose tags may point to other images: look up the digests there"
        )
    rendered = render(source, stack, validation.needed_secrets, {})
    deployed = {image for item in rendered.items for image in _images(item.manifest)}
    named = {field.alias or name: getattr(settings.images, name) for name, field in Images.model_fields.items()}
    return {key: image for key, image in named.items() if image in deployed}


def _images(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The image of each container in a manifest."""
    if isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _images(inner)
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key == "image" and isinstance(inner, str):
                yield inner
            else:
                yield from _images(inner)


def pinned(image: str, resolve: Resolve) -> str:
    """An image with its digest.

    Raises:
        DigestError: the registry does not know it.
    """
    if "@" in image:
        return image
    digest = resolve(image)
    if not DIGEST.fullmatch(digest):
        raise DigestError(f"{image}: expected a digest, found {digest[:200]!r}")
    return f"{image}@{digest}"


def written(text: str, server: str, images: Mapping[str, str]) -> str:
    """The text of a stack file with these values of `server.image` and of keys in `images`.

    Raises:
        DigestError: the file is written in a form that this function cannot change.
    """
    wanted = loader.from_file(text).document
    changes: dict[str, dict[str, str]] = {"images": dict(images)} | ({"server": {"image": server}} if server else {})
    lines = text.splitlines()
    for section, values in changes.items():
        if values:
            lines = _with_section(lines, f"  {PROJECT}:{section}:", values)
    made = "\n".join(lines) + "\n"
    expected = dict(wanted)
    for key, values in changes.items():
        if values:
            expected[key] = {**cast("Mapping[str, Any]", wanted.get(key) or {}), **values}
    with contextlib.suppress(loader.UnreadableError):
        if loader.from_file(made).document == expected:
            return made
    raise DigestError("write `server` and `images` as YAML blocks, with one key in each line")


def _with_section(lines: list[str], head: str, values: Mapping[str, str]) -> list[str]:
    """Lines of a stack file with keys of one section replaced or added; a missing section is added at the end."""
    if head not in lines:
        return [*lines, head, *(f"    {key}: {value}" for key, value in values.items())]
    start = lines.index(head) + 1
    end = next((at for at in range(start, len(lines)) if not lines[at].startswith("    ")), len(lines))
    section = lines[start:end]
    for key, value in values.items():
        line = f"    {key}: {value}"
        (at, *_) = [*(index for index, one in enumerate(section) if one.startswith(f"    {key}:")), len(section)]
        section[at : at + 1] = [line]
    return [*lines[:start], *section, *lines[end:]]


def registry_digest(image: str) -> str:
    """The digest of an image's manifest, or of the list of its platforms, at the registry.

    Raises:
        DigestError: the registry does not answer, or does not know the image.
    """
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DigestError(f"{image}: {error}") from None
    if done.returncode:
        raise DigestError(f"{image}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Change a stack file; returns the exit code."""
    match sys.argv[1:] if arguments is None else list(arguments):
        case [stack]:
            server = ""
        case [stack, server]:
            pass
        case _:
            print("usage: python -m tools.digests STACK [SERVER_IMAGE]", file=sys.stderr)
            return 1
    if server and not DIGEST.fullmatch(server.partition("@")[2]):
        print(f"{server} has no digest", file=sys.stderr)
        return 1
    try:
        images = {key: pinned(image, registry_digest) for key, image in used(read(stack), stack).items()}
        file = Path(file_name(stack))
        file.write_text(written(file.read_text(encoding="utf-8"), server, images), encoding="utf-8")
    except (DigestError, UnknownError, UnreadableError, loader.UnreadableError) as error:
        print(error, file=sys.stderr)
        return 1
    lines = ({"server.image": server} if server else {}) | {f"images.{key}": image for key, image in images.items()}
    for key, image in lines.items():
        print(f"{key}: {image}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
