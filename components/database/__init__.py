"""MLflow's metadata: PostgreSQL in the cluster or elsewhere, its role and database, or an SQLite file."""
