#!/bin/sh
# A read replica of the company's PostgreSQL, by streaming replication.
set -eu
PGPASSWORD="$(cat /etc/company/password)" pg_basebackup --pgdata=/data/pg --write-recovery-conf --wal-method=stream \
    --checkpoint=fast --dbname="host=postgres.company.svc.cluster.local user=replicator sslmode=require"
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/run/pg -c ssl=on \
    -c ssl_cert_file=/etc/company/tls.crt -c ssl_key_file=/etc/company/tls.key
