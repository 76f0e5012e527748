"""Images by the names under which a mirror keeps them."""


def mirrored(image: str, registry: str | None) -> str:
    """An image in `registry` instead of its own; folder, name, version and digest stay."""
    if registry is None or image.startswith(f"{registry}/"):
        return image
    return f"{registry}/{image.partition('/')[2]}"
