#!/usr/bin/env bash
# Runs a program against a kvserver that is started for it, and compares what it prints.
#   check_output.sh KVSERVER EXPECTED PROGRAM [ARGUMENT...]     the address becomes the last argument
# Ends with 77, which ctest shows as skipped, when the program is in Python and redis-py is absent.
set -euo pipefail
server=$1 expected=$2
shift 2

if [[ $1 == *python3* ]] && ! "$1" -c 'import redis' 2>/dev/null; then
  echo "skipped: $1 has no redis-py (Debian: python3-redis)"
  exit 77
fi

work=$(mktemp -d)
"$server" --port 0 --data-dir "$work/store" 2>"$work/log" &
pid=$!
stop() {
  kill "$pid" 2>/dev/null || true
  wait "$pid" || true
  rm -rf "$work"
}
trap stop EXIT

port=""
for ((tries = 0; tries < 600; ++tries)); do
  port=$(sed -n 's/.*ready on port \([0-9]*\).*/\1/p' "$work/log" | head -n 1)
  if [[ -n $port ]] || ! kill -0 "$pid" 2>/dev/null; then break; fi
  read -rt 0.1 <> <(:) || true
done
if [[ -z $port ]]; then
  echo "the server did not start:"
  cat "$work/log"
  exit 1
fi

"$@" "127.0.0.1:$port" >"$work/out"
diff -u "$expected" "$work/out"
