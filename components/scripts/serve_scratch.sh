# Serves the scratch database of a proof with MLflow, once it is there. A backup from before an upgrade is migrated first:
# the next restore would need it too.
set -eu
until [ -e /scratch/ready ]; do sleep 1; done
mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"
exec mlflow server --host=127.0.0.1 --port=5000 --workers=1 --enable-workspaces --serve-artifacts \
    --backend-store-uri="$MLFLOW_BACKEND_STORE_URI" --artifacts-destination=/tmp/artifacts
