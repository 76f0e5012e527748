"""The MLflow server: its Deployment, pod, process and rollout, and the schema migration that runs before it."""
