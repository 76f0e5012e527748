"""The Kubernetes objects of a stack as files for kustomize and Argo CD, instead of `pulumi up`."""
