"""Names of images in a mirror registry."""


def mirrored(image: str, registry: str | None) -> str:
    """The image in `registry` instead of its own registry; path, name, tag and digest stay."""
    if registry is None or image.startswith(f"{registry}/"):
        return image
    return f"{registry}/{image.partition('/')[2]}"
