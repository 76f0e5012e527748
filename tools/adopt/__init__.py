"""`make adopt`: the content of an MLflow that exists already, copied into a team's workspace.

Two processes have the MLflow client's packages (`tools/adopt/client/`). One reads the old MLflow with the user's
environment variables, the other writes to the platform with those of the platform. So neither server gets the other's
credentials.
"""
