#!/usr/bin/env bash
# Trains in several processes on this machine; arguments go to simam_jax.main:
#   PROCESSES=2 DEVICES=2 ./launch/local.sh --config.epochs=3 --workdir runs/local
# What the first process prints is shown as it is; what the others print goes to stderr, their number before it. Ctrl-C
# and SIGTERM are passed on to all. When one fails, the others have GRACE seconds to end by themselves. The exit code is
# that of the first that failed, and 75 (run again to go on) only where none failed otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each can also be set in the environment.
PROCESSES=${PROCESSES:-2}
DEVICES=${DEVICES:-}  # virtual CPU devices of each process; empty: process I has the I-th GPU, or the CPU where none is
CONFIG=${CONFIG:-configs/towernet.py:digits}
GRACE=${GRACE:-180}
PYTHON=${PYTHON:-.venv/bin/python}

port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
command=("$PYTHON" -m simam_jax.main --config "$CONFIG" "$@" --coordinator "127.0.0.1:$port" --processes "$PROCESSES")
if [ -n "$DEVICES" ]; then
  export JAX_PLATFORMS=cpu XLA_FLAGS="${XLA_FLAGS:-} --xla_force_host_platform_device_count=$DEVICES"
fi
echo "$PROCESSES processes${DEVICES:+ of $DEVICES virtual devices}: ${command[*]@Q} --process I" >&2

set -m # a process group each, so that the terminal's Ctrl-C comes to us alone, and is not ignored where we pass it on
pids=() prefixes=()
pass_on() { kill "-$1" "${pids[@]}" 2>/dev/null || true; }
trap 'pass_on TERM' TERM HUP
trap 'pass_on INT' INT
IFS=, read -ra gpus <<<"${CUDA_VISIBLE_DEVICES:-}"
for ((i = 0; i < PROCESSES; i++)); do
  [ -n "$DEVICES" ] || export CUDA_VISIBLE_DEVICES=${gpus[i]:-$i}
  if [ "$i" -eq 0 ]; then
    "${command[@]}" --process 0 &
  else
    exec {out}> >(trap '' INT TERM; exec sed -u "s/^/[$i] /" >&2)
    prefixes+=($!)
    "${command[@]}" --process "$i" >&"$out" 2>&1 {out}>&- &
    exec {out}>&-
  fi
  pids+=($!)
done

code=0 deadline=
while [ ${#pids[@]} -gt 0 ]; do
  sleep 0.2 & wait $! || true # waited for, a trap need not wait
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null && continue
    status=0
    wait "${pids[i]}" 2>/dev/null || status=$?
    kill -KILL -- "-${pids[i]}" 2>/dev/null || true # what it may have left running
    unset "pids[i]"
    [ "$status" -ne 0 ] || continue
    echo "process $i ended with $status" >&2
    if [ "$code" -eq 0 ] || { [ "$code" -eq 75 ] && [ "$SECONDS" -le "$deadline" ]; }; then code=$status; fi
    deadline=${deadline:-$((SECONDS + GRACE))}
  done
  if [ ${#pids[@]} -gt 0 ] && [ -n "$deadline" ] && [ "$SECONDS" -gt "$deadline" ]; then
    echo "killed $GRACE s later: process ${!pids[*]}" >&2
    pass_on KILL
  fi
done
[ ${#prefixes[@]} -eq 0 ] || wait "${prefixes[@]}" || true
exit "$code"
