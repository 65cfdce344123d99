#!/bin/bash
# What people do with redis-cli: one command, a pipe, mass insertion, --scan, --bigkeys, hints.
#
# Goal: it works unchanged. Method: a kvserver of its own on a free port. Usage: redis_cli_test.sh
# KVSERVER. Exit code 77: redis-cli is not installed.
set -u

command -v redis-cli >/dev/null || { echo "skipped: redis-cli is not installed"; exit 77; }

program=$1
work=$(mktemp -d)
"$program" --port 0 --data-dir "$work/store" 2>"$work/log" &
server=$!
stop() {
  kill "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT

port=
for _ in $(seq 300); do
  port=$(sed -n 's/.*ready on port \([0-9]*\).*/\1/p' "$work/log")
  [ -n "$port" ] && break
  sleep 0.1
done
[ -n "$port" ] || { echo "kvserver has not started:"; cat "$work/log"; exit 1; }

failures=0
cli() { timeout 20 redis-cli -h 127.0.0.1 -p "$port" "$@"; }
# check TITLE EXPECTED ACTUAL
check() {
  if [ "$2" == "$3" ]; then
    echo "ok: $1"
  else
    echo "FAILED: $1"; echo "  expected: $2"; echo "  got:      $3"
    failures=$((failures + 1))
  fi
}
contains() {
  case $3 in
    *"$2"*) echo "ok: $1" ;;
    *) check "$1" "... $2 ..." "$3" ;;
  esac
}
has() { [ "$(cli COMMAND LIST FILTERBY PATTERN "$1")" == "$1" ]; }

check "one command" "OK" "$(cli SET a 1)"
check "its reply" "2" "$(cli INCR a)"
check "a value from standard input" "OK" "$(printf 'from stdin' | cli -x SET b)"
check "which is there" "from stdin" "$(cli GET b)"
check "RESP3" "(nil)" "$(cli -3 --no-raw GET none)"
check "RESP2" "(nil)" "$(cli --no-raw GET none)"
check "a command many times" "$(printf '3\n4\n5')" "$(cli -r 3 INCR a)"
check "commands from standard input" "$(printf 'OK\n7')" "$(printf 'SET a 6\nINCR a\n' | cli)"
check "an error ends with a code" "1" "$(cli -e NOSUCH >/dev/null 2>&1; echo $?)"
check "a name, and a database" "me" "$(printf 'CLIENT SETNAME me\nCLIENT GETNAME\n' | cli -n 0 | tail -1)"
check "a user and a password" "PONG" "$(cli --user default --pass x --no-auth-warning PING)"

for i in $(seq 2000); do printf 'SET pipe:%d value-%d\r\n' "$i" "$i"; done >"$work/pipe"
contains "mass insertion by lines" "errors: 0, replies: 2000" "$(cli --pipe <"$work/pipe" 2>&1)"
check "all of it is there" "value-2000" "$(cli GET pipe:2000)"
for i in $(seq 2000); do
  key="resp:$i"
  printf '*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$1\r\nx\r\n' "${#key}" "$key"
done >"$work/pipe"
contains "mass insertion in RESP" "errors: 0, replies: 2000" "$(cli --pipe <"$work/pipe" 2>&1)"

if has scan; then
  check "--scan" "2000" "$(cli --scan --pattern 'pipe:*' | sort -u | wc -l)"
else
  echo "skipped: --scan, this server has no SCAN"
fi
if has scan && has type && has strlen && has dbsize; then
  contains "--bigkeys" "Biggest string found" "$(cli --bigkeys 2>&1)"
  contains "--memkeys" "Biggest string found" "$(cli --memkeys 2>&1)"
else
  echo "skipped: --bigkeys, this server has no SCAN, TYPE, STRLEN or DBSIZE"
fi

contains "INFO" "redis_mode:standalone" "$(cli INFO server)"
contains "COMMAND DOCS, for hints" "Set the value of a key" "$(cli COMMAND DOCS set)"
contains "HELP" "CLIENT <subcommand>" "$(cli CLIENT HELP)"
contains "--stat" "keys" "$(timeout 3 stdbuf -oL redis-cli -p "$port" --stat -i 1 2>&1)"
check "LATENCY mode answers" "1" "$(timeout 3 redis-cli -p "$port" --latency --raw 2>&1 | wc -l)"
contains "an empty MONITOR can be left" "OK" "$(timeout 1 redis-cli -p "$port" MONITOR 2>&1)"
if command -v script >/dev/null; then
  # A terminal: then redis-cli asks for COMMAND DOCS, and shows the syntax of a command on request.
  contains "help in the interactive mode" "Increment the integer value of a key by one" "$(
    printf 'help incr\nquit\n' |
      TERM=dumb script -qec "redis-cli -p $port" /dev/null 2>&1)"
else
  echo "skipped: the interactive mode, as there is no script(1)"
fi
if command -v redis-benchmark >/dev/null; then
  contains "redis-benchmark" "requests per second" \
    "$(timeout 60 redis-benchmark -p "$port" -t ping,set,get,incr -n 2000 -P 16 -q 2>&1)"
else
  echo "skipped: redis-benchmark is not installed"
fi

cli SHUTDOWN NOSAVE
wait "$server"
check "ends the process as SIGTERM does" "0" "$?"

[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
