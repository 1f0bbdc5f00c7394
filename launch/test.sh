#!/usr/bin/env bash
# Installs into .venv, checks the style, and runs the tests. Arguments go to pytest and leave the check out:
#   ./launch/test.sh tests/ops -k simam
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/install.sh
install dev
if [ $# -eq 0 ]; then
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
fi
exec .venv/bin/python -m pytest "$@"
