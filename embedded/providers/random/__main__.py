"""The program that the engine starts in place of `pulumi-resource-random`."""

from embedded.providers.plugin import serve
from embedded.providers.random.provider import RandomProvider

if __name__ == "__main__":
    serve(RandomProvider)
