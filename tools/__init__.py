"""Commands of the Makefile and of CI, for any cluster and any Pulumi backend."""
