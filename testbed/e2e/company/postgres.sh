#!/bin/sh
# A PostgreSQL as a company runs it: TLS alone, and an administrator who is no superuser, as at managed services.
# It logs every statement, so that a password that reaches it in plain text shows.
set -eu
initdb --pgdata=/data/pg --username=postgres --auth-local=peer --auth-host=reject --encoding=UTF8 --locale=C.UTF-8
printf 'local all all peer\nhostssl all all 0.0.0.0/0 scram-sha-256\n' >/data/pg/pg_hba.conf
pg_ctl --pgdata=/data/pg --wait --silent --options="-c listen_addresses= -c unix_socket_directories=/run/pg" start
psql --host=/run/pg --username=postgres --quiet --set=ON_ERROR_STOP=1 --set=password="$(cat /etc/company/administrator)" <<'SQL'
CREATE ROLE "it-admin" LOGIN CREATEROLE CREATEDB PASSWORD :'password';
SQL
pg_ctl --pgdata=/data/pg --wait --silent stop
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/run/pg -c log_statement=all \
    -c ssl=on -c ssl_cert_file=/etc/company/tls.crt -c ssl_key_file=/etc/company/tls.key
