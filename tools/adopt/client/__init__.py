"""Code that runs with the MLflow client's packages, which are not those of this checkout."""
