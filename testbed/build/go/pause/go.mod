module mlflow-platform/embedded/pause

go 1.25.0
