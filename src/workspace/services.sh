# Runs a command with services of its own beside it, made of the programs that are there. They end with it, listen on its own
# loopback alone, and keep what they hold in the home: what a set-up has put there is there for the tests.
#   sh services.sh SERVICE... -- COMMAND...
held=$HOME/.services; mkdir -p "$held"
stop=:

refuse() {
  echo "[Muster: the service $service could not be started.${1:+ $1}]"
  [ ! -s "$log" ] || tail -n 20 "$log"
  exit 125
}
# The first of some programs that is there, by name; more folders than those of the path are looked into.
program() {
  for name; do
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -rV) /usr/sbin; do
      if [ -x "$folder/$name" ]; then echo "$folder/$name"; return; fi
    done
    if command -v "$name"; then return; fi
  done
  return 1
}
# Until a service that is process $1 answers to the rest.
answered() {
  pid=$1; shift
  until "$@" > /dev/null 2>&1; do
    kill -0 "$pid" 2> /dev/null || refuse
    sleep 0.1
  done
}

postgres() {
  initdb=$(program initdb) || refuse 'PostgreSQL is not installed where the command runs.'
  bin=${initdb%/*}
  [ -f "$dir/ready" ] || { rm -rf "$dir"; "$initdb" -D "$dir" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync > "$log" 2>&1 || refuse; }
  # Whoever held it is gone with everything it ran.
  rm -f "$dir/postmaster.pid"
  "$bin/pg_ctl" -D "$dir" -l "$log" -w -t 600 -o '-c listen_addresses=127.0.0.1 -c port=5432 -c unix_socket_directories=/tmp -c fsync=off -c full_page_writes=off -c dynamic_shared_memory_type=mmap' start > /dev/null 2>&1 || refuse
  export PGHOST=127.0.0.1 PGPORT=5432 PGUSER=postgres PGPASSWORD=postgres PGDATABASE=test
  export DATABASE_URL=postgres://postgres:postgres@127.0.0.1:5432/test
  [ -f "$dir/ready" ] || { PGDATABASE=postgres "$bin/createdb" test >> "$log" 2>&1 && : > "$dir/ready" || refuse; }
  stop="$stop; '$bin/pg_ctl' -D '$dir' -m fast -t 600 stop"
}

redis() {
  server=$(program redis-server) || refuse 'Redis is not installed where the command runs.'
  mkdir -p "$dir"
  "$server" --port 6379 --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" > "$log" 2>&1 &
  answered $! redis-cli -h 127.0.0.1 ping
  export REDIS_HOST=127.0.0.1 REDIS_PORT=6379 REDIS_URL=redis://127.0.0.1:6379
}

mysql() {
  server=$(program mariadbd mysqld) || refuse 'MariaDB or MySQL is not installed where the command runs.'
  if [ ! -f "$dir/ready" ]; then
    rm -rf "$dir"; mkdir -p "$dir"
    case $server in
      *mariadbd) mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db --datadir="$dir" > "$log" 2>&1 || refuse ;;
      *) "$server" --no-defaults --initialize-insecure --datadir="$dir" > "$log" 2>&1 || refuse ;;
    esac
  fi
  "$server" --no-defaults --datadir="$dir" --socket=/tmp/mysql.sock --pid-file=/tmp/mysql.pid --bind-address=127.0.0.1 --port=3306 >> "$log" 2>&1 &
  admin=$(program mariadb-admin mysqladmin) || refuse 'Its client is not installed where the command runs.'
  answered $! "$admin" --no-defaults -u root --socket=/tmp/mysql.sock ping
  export MYSQL_HOST=127.0.0.1 MYSQL_TCP_PORT=3306 MYSQL_PORT=3306 MYSQL_USER=root MYSQL_PASSWORD= MYSQL_DATABASE=test
  [ -f "$dir/ready" ] || { "$admin" --no-defaults -u root --socket=/tmp/mysql.sock create test >> "$log" 2>&1 && : > "$dir/ready" || refuse; }
  stop="$stop; '$admin' --no-defaults -u root --socket=/tmp/mysql.sock shutdown"
}

while [ "$1" != -- ]; do
  service=$1; shift
  dir=$held/$service log=$held/$service.log
  : > "$log"
  case $service in
    postgres) postgres ;;
    redis) redis ;;
    mysql) mysql ;;
    *) refuse 'There is none of that name.' ;;
  esac
done

shift
"$@"
status=$?
eval "$stop" > /dev/null 2>&1
exit "$status"
