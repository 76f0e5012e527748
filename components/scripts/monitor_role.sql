-- The exporter's role reads statistics of all sessions and tables (pg_monitor), and no row of any table. It has
-- few connections, one kept open and one for each scrape, among those that are kept for administration: so it sees a
-- server whose connections are all in use. A table that a migration has locked has no size for a while: waiting for it,
-- as long as a scrape may take, would cost all other metrics too.
\set monitor_password `cat /run/secrets/postgres-monitor/password`
SELECT 'CREATE ROLE mlflow_monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mlflow_monitor') \gexec
ALTER ROLE mlflow_monitor LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3
    PASSWORD :'monitor_password';
ALTER ROLE mlflow_monitor SET default_transaction_read_only = on;
ALTER ROLE mlflow_monitor SET statement_timeout = '10s';
ALTER ROLE mlflow_monitor SET lock_timeout = '500ms';
GRANT pg_monitor TO mlflow_monitor;
GRANT CONNECT ON DATABASE mlflow TO mlflow_monitor;
