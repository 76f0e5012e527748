"""The program that the engine starts in place of `pulumi-resource-kubernetes`."""

from embedded.providers.kubernetes.provider import KubernetesProvider
from embedded.providers.plugin import serve

if __name__ == "__main__":
    serve(KubernetesProvider)
