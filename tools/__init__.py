"""What the Makefile and CI call; works with any cluster and any Pulumi."""
