#!/usr/bin/env bash
# Installs into .venv, checks style and types, and runs the tests. Arguments go to pytest and leave the checks out:
#   ./launch/test.sh tests/ops -k simam
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/install.sh
install dev
if [ $# -eq 0 ]; then
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/pyright --pythonpath .venv/bin/python
fi
# Two processes, a file of tests to each in turn; what was passed comes last and may say otherwise, such as -n 0.
# In the folders' order: by default the file with the fewest tests comes last, which takes the longest.
exec .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
