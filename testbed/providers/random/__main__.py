"""The program that the engine starts in place of `pulumi-resource-random`."""

from testbed.providers.plugin import serve
from testbed.providers.random.provider import RandomProvider

if __name__ == "__main__":
    serve(RandomProvider)
