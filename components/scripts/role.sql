-- One role owns MLflow's database and nothing else. The server signs in as another one, which owns nothing; the schema
-- migration gives it what it may do.
\set password `cat /run/secrets/postgres/password`
\set server_password `cat /run/secrets/postgres-client/password`
SELECT 'CREATE ROLE mlflow' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mlflow') \gexec
ALTER ROLE mlflow LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SELECT 'CREATE ROLE mlflow_server' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mlflow_server') \gexec
ALTER ROLE mlflow_server LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    PASSWORD :'server_password';
-- The server sets its other bounds itself, in every transaction (images/mlflow/server: database_scope). These two it
-- cannot set, and could not lift if someone got a statement of their own into its SQL.
ALTER ROLE mlflow_server CONNECTION LIMIT :server_connections;
ALTER ROLE mlflow_server SET temp_file_limit = '512MB';
SELECT 'CREATE DATABASE mlflow OWNER mlflow TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8'''
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'mlflow') \gexec
REVOKE ALL ON DATABASE mlflow FROM PUBLIC;
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
