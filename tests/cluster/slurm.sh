#!/usr/bin/env bash
# Runs launch/slurm/train.sbatch on a real Slurm of one node, set up for it below a temporary folder: submits it with two
# tasks, preempts it by a job of higher priority, and waits until it was requeued, went on and finished. Prints Slurm's
# record of that, and checks that the run's metrics are complete and no line is doubled. Takes ten to fifteen minutes, of
# which Slurm lets a requeued job wait two. Needs Debian's packages: apt install slurm-wlm munge
set -euo pipefail
cd "$(dirname "$0")/../.."

# Each can also be set in the environment.
PYTHON=$(realpath -s "${PYTHON:-.venv/bin/python}")
TASKS=${TASKS:-2}
EPOCHS=${EPOCHS:-6}
GRACE=${GRACE:-120}       # seconds between notice and preemption; 0: none is given
PATIENCE=${PATIENCE:-1800} # seconds that the job may take in all
KEEP=${KEEP:-}             # not empty: leave the folder behind

export PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch; do
  command -v "$program" >/dev/null || { echo "error: $program is missing; apt install slurm-wlm munge" >&2; exit 2; }
done

folder=$(mktemp -d)
started=$SECONDS
say() { printf '%4d s  %s\n' $((SECONDS - started)) "$*"; }

host=$(hostname -s) job='' urgent=''
export SLURM_CONF=$folder/slurm.conf # before anything is cancelled: never on a Slurm that the machine belongs to

end() {
  if [ -n "$job" ]; then scancel "$job" ${urgent:+"$urgent"} && sleep 5; fi
  for daemon in slurmctld slurmd munged; do
    if [ -f "$folder/$daemon.pid" ]; then kill "$(cat "$folder/$daemon.pid")" || true; fi
  done
  sleep 2
  if [ -n "$KEEP" ]; then echo "left behind: $folder"; else rm -rf "$folder"; fi
}
trap end EXIT

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }
mkdir "$folder/state" "$folder/spool"
cat >"$SLURM_CONF" <<CONF
ClusterName=simam
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MinJobAge=3600
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobcomp.txt
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$TASKS State=UNKNOWN
PartitionName=low Nodes=$host Default=YES MaxTime=60 PriorityTier=1 PreemptMode=REQUEUE GraceTime=$GRACE
PartitionName=high Nodes=$host MaxTime=60 PriorityTier=10 PreemptMode=OFF
CONF
echo CgroupPlugin=autodetect >"$folder/cgroup.conf"

head -c 1024 /dev/urandom >"$folder/munge.key"
chmod 400 "$folder/munge.key"
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
slurmctld
slurmd
for _ in $(seq 60); do
  [ "$(sinfo --noheader --partition=low --format=%t 2>/dev/null)" = idle ] && break
  sleep 1
done
sinfo || { cat "$folder/slurmctld.log" >&2; exit 1; }

"$PYTHON" -m simam_jax.prepare --source digits --classes 0,1,2 --out "$folder/data"
export PYTHON CONFIG=configs/towernet.py:$folder/data RUN=$folder/run
export JAX_PLATFORMS=cpu
job=$(sbatch --parsable --partition=low --ntasks-per-node="$TASKS" --cpus-per-task=1 --time=30 \
  --output="$folder/job.out" launch/slurm/train.sbatch --config.epochs="$EPOCHS" --config.data.image_size=128 \
  --config.checkpoint.best_above=0 --config.data.workers=1) # which Slurm signals too
say "submitted: job $job, $TASKS tasks"

# Follows the job's state, lets a job of higher priority come in after its first epoch, and waits for the end.
field() { scontrol show job --oneliner "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -1; }
before=''
while :; do
  now="$(field "$job" JobState), $(field "$job" Reason), restarts $(field "$job" Restarts)"
  if [ "$now" != "$before" ]; then say "job $job: $now"; before=$now; fi
  case $now in COMPLETED* | FAILED* | CANCELLED* | TIMEOUT* | NODE_FAIL*) break ;; esac
  if [ -z "$urgent" ] && grep -qs '"eval/' "$folder/run/metrics.jsonl"; then
    urgent=$(sbatch --parsable --partition=high --ntasks="$TASKS" --time=5 --job-name=urgent --output=/dev/null \
      --wrap='sleep 20')
    say "submitted: job $urgent, of higher priority, after $(grep -c . "$folder/run/metrics.jsonl") lines of metrics"
  fi
  if [ $((SECONDS - started)) -gt "$PATIENCE" ]; then say "error: not done after $PATIENCE s"; break; fi
  sleep 0.5
done

printf '\n--- what the job printed\n'
cat "$folder/job.out"
printf '\n--- scontrol show job\n'
scontrol show job "$job"
scontrol show job "$urgent"
printf -- '--- jobcomp/filetxt: a line each time that a job left the machine\n'
cat "$folder/jobcomp.txt"
printf -- '--- slurmctld.log\n'
grep -E 'sched:|Allocate|preempt|requeue|JobComplete|job_complete' "$folder/slurmctld.log" || true
printf -- '--- the run\n'
if [ "$(field "$job" JobState)" != COMPLETED ] || [ "$(field "$job" Restarts)" -lt 1 ]; then
  echo 'error: the job was not requeued and finished' >&2
  exit 1
fi
"$PYTHON" - "$folder/run/metrics.jsonl" "$EPOCHS" <<'CHECK'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
for kind in ("train", "eval"):
    epochs = [line["epoch"] for line in lines if any(name.startswith(f"{kind}/") for name in line)]
    print(f"{kind} lines of epochs {epochs}")
    assert epochs == list(range(int(sys.argv[2]))), f"{kind}: an epoch is missing or doubled"
CHECK
echo 'ok: preempted, requeued, went on, finished; every line of metrics is there once'
