#!/usr/bin/env bash
# Makes .venv with the pinned packages, ROS 2 among them, and checks that a picture can be rendered. Safe to run again:
# it returns at once while nothing that it goes by has changed.
#
#   PYTHON          interpreter for a new .venv (3.11 or newer; otherwise the first one found)
#   TORCH_PIP_ARGS  further pip arguments for torch alone, e.g. the index of another build (see pytorch.org)
#
# ROS 2 comes as wheels, unless one is sourced in this shell; where neither can be, everything else still works.
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
    "${pip[@]}" ${TORCH_PIP_ARGS:-} torch hatchling setuptools
    say "kosmos-agent and its other packages"
    "${pip[@]}" --no-build-isolation -e ".[$1]"
}

is_ros_sourced() { [[ -n ${ROS_DISTRO:-}${AMENT_PREFIX_PATH:-} ]]; }

# Why the ROS wheels are not to be installed here; nothing where they are.
why_no_ros_wheels() {
    if is_ros_sourced; then
        echo "ROS 2 ${ROS_DISTRO:-} is sourced; build the packages in ros_nodes in your colcon workspace"
        return
    fi
    "$VENV/bin/python" -c '
import platform, sys
libc, version = platform.libc_ver()
if sys.platform != "linux" or platform.machine() != "x86_64":
    print(f"they are for Linux on x86_64, and this is {platform.system()} on {platform.machine()}")
elif libc != "glibc" or tuple(map(int, version.split("."))) < (2, 28):
    print(f"they need glibc 2.28 or newer, and this is {libc or chr(63)} {version}")
elif sys.version_info >= (3, 15):
    print(f"they are for Python up to 3.14, and this is {platform.python_version()}")'
}

# A C++ compiler and the headers of .venv's Python, for the wheels of our own messages.
ensure_compiler() {
    local version
    command -v c++ >/dev/null || apt_install g++
    if has_headers; then return; fi
    version=$("$VENV/bin/python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    apt_install "$version-dev"
    has_headers || stop "$version has no headers (Python.h) where it looks for them; set PYTHON to one that has"
}

has_headers() {
    "$VENV/bin/python" -c '
import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file())'
}

install_ros_interfaces() {
    local folder
    ensure_compiler
    folder=$(scripts/ros_wheels.sh "$VENV/bin/python")
    say "our ROS messages"
    "$VENV/bin/python" -m pip install --disable-pip-version-check -q --no-deps --force-reinstall "$folder"/*.whl
}

# One process must not find two ROS installations.
check_ros_is_not_mixed() {
    if is_ros_sourced && [[ -n $(find "$VENV"/lib -name 'ros_wheels_bootstrapper.pth' -print -quit 2>/dev/null) ]]; then
        stop "ROS 2 ${ROS_DISTRO:-} is sourced, and $VENV holds the ROS wheels; please type:  rm -rf $VENV"
    fi
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

# What the ROS part goes by.
ros_state() {
    find ros_nodes/compat ros_nodes/kosmos_interfaces ros_nodes/ros_wheels.cmake -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum
    printf '%s\n' "${ROS_DISTRO:-}" "${AMENT_PREFIX_PATH:-}"
}

main() {
    local key no_ros
    key=$({ cat pyproject.toml constraints.txt scripts/setup.sh scripts/ros_wheels.sh; ros_state; } | sha256sum)
    if [[ -x $VENV/bin/python && $(cat "$STAMP" 2>/dev/null) == "$key" ]]; then return; fi
    check_ros_is_not_mixed
    make_venv
    no_ros=$(why_no_ros_wheels)
    if [[ -z $no_ros ]]; then
        install_packages dev,ros
        install_ros_interfaces
    else
        say "without the ROS wheels: $no_ros"
        install_packages dev
    fi
    ensure_rendering
    printf '%s\n' "$key" >"$STAMP"
}

main
