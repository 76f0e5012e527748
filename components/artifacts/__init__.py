"""Stores for MLflow's artifacts: an S3 store in the cluster, an S3 bucket elsewhere, or a volume."""
