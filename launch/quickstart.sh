#!/usr/bin/env bash
# Installs into .venv and trains TowerNet with SimAM on real handwritten digits, which come with scikit-learn.
# Further arguments go to simam_jax.main, such as --config.epochs=3. Run again, it goes on where it was stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/install.sh
install train
exec .venv/bin/python -m simam_jax.main --config configs/towernet.py:digits "$@"
