"""The program that the engine starts in place of `pulumi-resource-kubernetes`."""

from testbed.providers.kubernetes.provider import KubernetesProvider
from testbed.providers.plugin import serve

if __name__ == "__main__":
    serve(KubernetesProvider)
