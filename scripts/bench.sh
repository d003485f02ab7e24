#!/usr/bin/env bash
# bench.sh [NAME]: with a name, runs bench/NAME_bench; without, the figures of bench/RESULTS.md, with their baselines, in one run.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [ $# -ge 1 ] && [ "$1" != --all ]; then
  ninja -C build/release "$1_bench"
  exec "build/release/$1_bench" "${@:2}"
fi
[ -x build/release/millrace ] || { echo "bench: ./dev build first" >&2; exit 1; }
millrace=build/release/millrace
folder=$(mktemp -d)
server="" nginx_pid=""
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

start() { rm -rf "$folder/data"; restart "$@"; }
restart() {
  rm -f "$folder/port"
  $millrace serve --data "$folder/data" --port 0 --port-file "$folder/port" "$@" 2>>"$folder/log" &
  server=$!
  until [ -s "$folder/port" ]; do kill -0 $server && read -rt 0.05 <> <(:) || true; done
  url=http://127.0.0.1:$(cat "$folder/port")
}
stop() {
  kill -9 "$server"
  wait "$server" 2>/dev/null || true
  server=""
}
since() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN {printf "%.2f", to - from}'; }
fsync_baseline() {
  python3 - "$folder" <<'PYTHON'
import os, sys, time
path = sys.argv[1] + "/fsync"
with open(path, "wb") as f:
    f.write(bytes(4096 * 500)); os.fsync(f.fileno())
    times = []
    for i in range(500):
        f.seek(4096 * i); f.write(b"\7" * 4096); f.flush()
        began = time.perf_counter(); os.fdatasync(f.fileno()); times.append(time.perf_counter() - began)
times.sort()
print(f"fdatasync of 4 KiB: p50 {times[250]*1e3:.2f} ms, p99 {times[495]*1e3:.2f} ms")
PYTHON
}

echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), load $(cut -d' ' -f1 /proc/loadavg)"
fsync_baseline
echo "== ceiling: nginx answers 204 to the same requests"
cat > "$folder/nginx.conf" <<CONF
worker_processes 2; daemon off; pid $folder/nginx.pid; error_log $folder/nginx.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path $folder; client_max_body_size 8m; keepalive_requests 1000000000;
  server { listen 127.0.0.1:18099; location / { return 204; } } }
CONF
nginx -c "$folder/nginx.conf" -p "$folder" 2>/dev/null & nginx_pid=$!
read -rt 1 <> <(:) || true
$millrace load --to http://127.0.0.1:18099 --target raw --rate max --batch 50 --connections 16 --seconds 5
$millrace load --to http://127.0.0.1:18099 --target raw --rate max --batch 1 --connections 64 --seconds 5
kill $nginx_pid; nginx_pid=""
echo "== collection alone (door_bench): no gates, then all gates; batches of 50, then single events"
ninja -C build/release --quiet door_bench
for gates in none all; do
  for load in "--batch 50 --connections 32" "--batch 1 --connections 64"; do
    rm -rf "$folder/data" "$folder/port"
    build/release/door_bench "$folder/data" "$folder/port" $gates 2>>"$folder/log" &
    server=$!
    until [ -s "$folder/port" ]; do kill -0 $server && read -rt 0.05 <> <(:) || true; done
    echo "gates: $gates"
    # shellcheck disable=SC2086
    $millrace load --to "http://127.0.0.1:$(cat "$folder/port")" --rate max $load --seconds 8
    stop
  done
done
echo "== collection, all stages and the lake running behind it: batches of 50, then single events"
start; $millrace load --to "$url" --rate max --batch 50 --connections 16 --seconds 10; stop
start; $millrace load --to "$url" --rate max --batch 1 --connections 64 --seconds 10; stop
echo "== whole path, 60 s at 80,000 events/s: lag at the end, and what the tables hold"
start; $millrace load --to "$url" --rate 80000 --batch 50 --connections 32 --seconds 60 --probes 10
curl -s "$url/metrics" | grep -E "^millrace_(stage_lag_records|lake_commits_total)"; curl -s "$url/v1/lake" | grep -o '"parquet_bytes.*'
echo "== kill -9 there, and the start after it: ready, then replayed"
lag() { curl -s "$url/metrics" | awk '/^millrace_stage_lag_records/ {lag += $2} END {print lag + 0}'; }
stop; began=$(date +%s.%N)
restart
echo "ready after $(since "$began") s"
behind=$(lag); until [ "$(lag)" -lt 100 ]; do read -rt 0.2 <> <(:) || true; done
echo "$behind records were to be gone over again, done $(since "$began") s after the start"; stop
echo "== 200 to view at 10,000 events/s"
start; $millrace load --to "$url" --rate 10000 --batch 10 --seconds 30 --probes 20
echo "== recommendations at 2,000/s, 5,000 events/s beside them"
$millrace load --to "$url" --rate 5000 --batch 10 --seconds 12 >/dev/null &
beside=$!
$millrace load --to "$url" --target recommend --batch 1 --rate 2000 --connections 16 --seconds 10
wait $beside
curl -s "$url/metrics" | grep -E 'millrace_api_answer_seconds_(bucket|count).*recommend' | head -12; stop
echo "== one visitor floods with 20,000 events/s: what the others, 2,000 events/s, notice"
start
for flood in no yes; do
  echo "flood: $flood"
  if [ $flood = yes ]; then $millrace load --to "$url" --rate 20000 --batch 50 --connections 4 --visitors 1 --seed 9 --seconds 14 >/dev/null & beside=$!; fi
  $millrace load --to "$url" --rate 2000 --batch 5 --connections 16 --seconds 12 --probes 20
done
wait $beside; stop
echo "== twenty times the load for 60 s: 2,000 events/s, then 40,000, then 2,000 again at once"
start
burst() { $millrace load --to "$url" --rate "$1" --batch 20 --connections 64 --seed "$3" --seconds "$2" --probes 20 --acked-file "$folder/acked"; }
burst 2000 8 1; burst 40000 60 2; burst 2000 10 3; burst 2000 10 4
until [ "$(lag)" = 0 ]; do read -rt 0.2 <> <(:) || true; done
echo "acknowledged $(sort -u "$folder/acked" | wc -l), in SQL $(curl -s "$url/v1/sql" -d '{"sql":"select count(distinct message_id) from raw.events"}' | grep -o '"rows":.*')"
grep -E "VmHWM|VmRSS" "/proc/$server/status"; stop
fsync_baseline
