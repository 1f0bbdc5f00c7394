#!/usr/bin/env bash
# Trains on a Cloud TPU of one or more hosts, by gcloud, from the project's folder:
#   ./launch/tpu/pod.sh create                      the TPU
#   ./launch/tpu/pod.sh install                     the last commit and its packages on every host, and SHARE
#   ./launch/tpu/pod.sh run --config.epochs=30      trains, its output here; arguments go to simam_jax.main. Exit code 75
#                                                   (a process was told to stop, or was lost) starts it again, and it
#                                                   goes on
#   ./launch/tpu/pod.sh stop                        from another terminal: saves and ends; run goes on
#   ./launch/tpu/pod.sh delete
# A spot TPU that is taken back is gone, and so is what is not below SHARE: delete, create, install and run go on from there.
# shellcheck disable=SC2016 # in single quotes is what the hosts expand
set -euo pipefail
cd "$(dirname "$0")/../.."

# Each can also be set in the environment.
NAME=${NAME:-simam}
ZONE=${ZONE:-us-west4-a}
TYPE=${TYPE:-v5litepod-8}               # 8 chips on 1 host; v5litepod-16 has 16 on 4 hosts, which need SHARE
RUNTIME=${RUNTIME:-v2-alpha-tpuv5-lite} # the TPU's software; each generation has its own
SPOT=${SPOT:-}                          # not empty: cheaper, and may be taken back
SHARE=${SHARE:-}                        # NFS that all hosts mount as /mnt/share, such as 10.0.0.2:/share of Filestore
data=digits                             # which prepare themselves, on one host
[ -z "$SHARE" ] || data=/mnt/share/data/flowers
CONFIG=${CONFIG:-configs/towernet.py:$data}
RUN=${RUN:-${SHARE:+/mnt/share/}runs/$NAME}
RESTARTS=${RESTARTS:-100}

tpu() { # a gcloud command on the TPU
  local verb=$1
  shift
  echo "+ gcloud compute tpus tpu-vm $verb ${*@Q} --zone=$ZONE" >&2
  gcloud compute tpus tpu-vm "$verb" "$@" --zone="$ZONE"
}
everywhere() { tpu ssh "$NAME" --worker=all --command="$1"; }

subcommand=${1:-}
[ $# -eq 0 ] || shift
case $subcommand in
  create)
    tpu create "$NAME" --accelerator-type="$TYPE" --version="$RUNTIME" ${SPOT:+--spot}
    ;;
  install)
    archive=$(mktemp --suffix=.tar.gz)
    trap 'rm -f "$archive"' EXIT
    git archive --format=tar.gz --output="$archive" HEAD
    tpu scp "$archive" "$NAME:simam_jax.tar.gz" --worker=all
    # uv brings Python 3.11 where the runtime's own is older. What is there already, such as .venv, stays.
    everywhere 'set -e; mkdir -p simam_jax; tar -xzf simam_jax.tar.gz -C simam_jax; cd simam_jax
python3 -m pip install --quiet --user uv; python3 -m uv python install --quiet 3.11
PYTHON=$(python3 -m uv python find 3.11); export PYTHON; source launch/install.sh; install train,tpu'
    if [ -n "$SHARE" ]; then
      everywhere "set -e; sudo apt-get install -qq -y nfs-common; sudo mkdir -p /mnt/share
mountpoint -q /mnt/share || sudo mount -t nfs ${SHARE@Q} /mnt/share; sudo chmod 1777 /mnt/share"
    fi
    ;;
  run)
    command=(.venv/bin/python -m simam_jax.main --config "$CONFIG" --workdir "$RUN" --coordinator auto "$@")
    for ((start = 0; start <= RESTARTS; start++)); do
      code=0
      everywhere "cd simam_jax && echo \$\$ >.pid && exec ${command[*]@Q}" || code=$?
      if [ "$code" -ne 75 ] || [ "$start" -eq "$RESTARTS" ]; then break; fi
      echo "exit code 75: started again, $((start + 1)) of $RESTARTS" >&2
    done
    exit "$code"
    ;;
  stop)
    everywhere 'kill -INT "$(cat simam_jax/.pid)"'
    ;;
  delete)
    tpu delete "$NAME"
    ;;
  *)
    echo "error: '$subcommand' is none of create, install, run, stop, delete; $0 says at its top what they do" >&2
    exit 2
    ;;
esac
