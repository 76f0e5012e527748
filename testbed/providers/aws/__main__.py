"""The program that the engine starts in place of `pulumi-resource-aws`."""

from testbed.providers.aws.provider import AwsProvider
from testbed.providers.plugin import serve

if __name__ == "__main__":
    serve(AwsProvider)
