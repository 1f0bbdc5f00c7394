# Sourced by the other scripts: makes .venv in the project's folder and installs the extras given as arguments.
# A second run finds a stamp of what was installed and does nothing.

install() {
  local extras=$1 python=${PYTHON:-python3} stamp wanted
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Python 3.11 or newer is needed, and '$python' is not; name one by PYTHON=/path/to/python3 $0" >&2
    return 2
  fi
  stamp=.venv/.installed-$extras
  wanted=$(cat pyproject.toml launch/constraints.txt launch/install.sh | cksum)
  if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return 0
  fi
  echo "installing simam_jax[$extras] into .venv (minutes the first time) …" >&2
  if [ ! -x .venv/bin/python ] && ! "$python" -m venv .venv; then
    rm -rf .venv
    echo "error: cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2
    return 2
  fi
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint launch/constraints.txt \
    --editable ".[$extras]" || {
    echo "error: the installation failed; mend what is said above and run $0 again" >&2
    return 2
  }
  printf '%s' "$wanted" >"$stamp"
}
