#!/bin/sh
# Makes the evaluation database ready for its server: data folder, users, databases. Safe to run again.
set -eu

# Whoever is interrupted here leaves a folder that the next start throws away.
rm -rf "$PGDATA.new"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --auth=scram-sha-256 --pwfile=/run/podbt-passwords/superuser
  mv "$PGDATA.new" "$PGDATA"
fi

data_version=$(cat "$PGDATA/PG_VERSION")
server_version=$(postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
if [ "$data_version" != "$server_version" ]; then
  echo "The volume holds data of PostgreSQL $data_version, the image is PostgreSQL $server_version." >&2
  echo "Set evaluationPostgres.image to version $data_version, or delete the volume's claim to start empty." >&2
  exit 1
fi

# Statements with passwords must not reach the log, not even when they fail.
pg_ctl start --wait --silent --pgdata="$PGDATA" --options="\
  --listen_addresses='' --unix_socket_directories=/tmp --hba_file=/etc/podbt-postgres/pg_hba-prepare.conf \
  --log_min_error_statement=panic"
trap 'pg_ctl stop --wait --silent --mode=fast --pgdata="$PGDATA"' EXIT
psql --no-psqlrc --quiet --host=/tmp --username=postgres --dbname=postgres --file=/etc/podbt-postgres/databases.sql
