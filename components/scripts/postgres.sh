#!/bin/sh
# Makes the cluster on the first start, brings MLflow's roles in line with their Secrets on every start, and serves.
# The superuser has no password and is reached through the socket in the pod only (see pg_hba.conf).
set -eu
umask 077

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Under another name until it is whole: a pod killed in the middle starts over.
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=peer --auth-host=scram-sha-256 --data-checksums
    mv "$PGDATA.new" "$PGDATA"
fi

set -- -c hba_file=/etc/postgresql/pg_hba.conf -c password_encryption=scram-sha-256 \
    -c unix_socket_directories=/var/run/postgresql -c max_connections="$MAX_CONNECTIONS" \
    -c shared_buffers="$SHARED_BUFFERS"

# Ten minutes: after a crash the log is replayed first.
pg_ctl --pgdata="$PGDATA" --wait --timeout=600 --silent --options="$* -c listen_addresses=" start
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set=server_connections="$SERVER_CONNECTIONS" --username=postgres --dbname=postgres \
    --file=/etc/postgresql/role.sql
pg_ctl --pgdata="$PGDATA" --wait --silent --mode=fast stop

exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
