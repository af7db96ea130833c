#!/usr/bin/env bash
# Makes .venv with the pinned packages and checks that a picture can be rendered. Safe to run again: it returns
# at once while pyproject.toml, constraints.txt and this file are unchanged.
#
#   PYTHON          interpreter for a new .venv (3.11 or newer; otherwise the first one found)
#   TORCH_PIP_ARGS  further pip arguments for torch alone, e.g. the index of another build (see pytorch.org)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv
readonly STAMP=$VENV/.installed
readonly GL_PACKAGES=(libegl1 libegl-mesa0 libopengl0 libgl1-mesa-dri)

say() { printf '==> %s\n' "$*" >&2; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if is_new_enough "$candidate"; then echo "$candidate"; return; fi
    done
    stop "no Python 3.11 or newer among: ${PYTHON:-python3, python3.11 to python3.14}; set PYTHON=/path/to/python3"
}

# Installs through apt where that needs no password, otherwise stops with the line to type.
apt_install() {
    local -a prefix=()
    command -v apt-get >/dev/null || stop "this machine has no apt; install what holds: $*"
    if [[ $(id -u) -ne 0 ]]; then
        sudo -n true 2>/dev/null || stop "please type:  sudo apt-get install -y $*"
        prefix=(sudo -n)
    fi
    say "apt-get install $*"
    "${prefix[@]}" apt-get update -qq
    "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

make_venv() {
    local python
    if is_new_enough "$VENV/bin/python"; then return; fi
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    say "$VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
}

# torch goes first, so that no other package's requirement picks a build of its own.
install_packages() {
    local -a pip=("$VENV/bin/python" -m pip install --disable-pip-version-check -q -c constraints.txt)
    say "torch and the build tools"
    # shellcheck disable=SC2086  # TORCH_PIP_ARGS is a list of words
    "${pip[@]}" ${TORCH_PIP_ARGS:-} torch hatchling
    say "kosmos-agent and its other packages"
    "${pip[@]}" --no-build-isolation -e '.[dev]'
}

can_render() {
    MUJOCO_GL=$1 "$VENV/bin/python" -c '
import mujoco
context = mujoco.GLContext(64, 64)
context.make_current()
context.free()' >/dev/null 2>&1
}

ensure_rendering() {
    if can_render egl || can_render osmesa; then return; fi
    apt_install "${GL_PACKAGES[@]}"
    can_render egl || stop "EGL is installed but does not render; this says why: $VENV/bin/kosmos-agent doctor"
}

main() {
    local key
    key=$(cat pyproject.toml constraints.txt scripts/setup.sh | sha256sum)
    if [[ -x $VENV/bin/python && $(cat "$STAMP" 2>/dev/null) == "$key" ]]; then return; fi
    make_venv
    install_packages
    ensure_rendering
    printf '%s\n' "$key" >"$STAMP"
}

main
