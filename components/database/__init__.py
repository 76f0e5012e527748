"""Databases for MLflow's metadata: PostgreSQL in the cluster or elsewhere, or an SQLite file."""
