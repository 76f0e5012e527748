"""The program that the engine starts in place of `pulumi-resource-aws`."""

from embedded.providers.aws.provider import AwsProvider
from embedded.providers.plugin import serve

if __name__ == "__main__":
    serve(AwsProvider)
