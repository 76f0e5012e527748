"""Where artifacts are stored: an S3-compatible store in the cluster, one elsewhere, or a volume."""
