#!/usr/bin/env bash
# Prints the folder with the wheels of our ROS interface packages, built for one Python; builds them where it is not
# there yet (minutes, once for each state of the definitions). Needs a C++ compiler and that Python's headers.
#
#   scripts/ros_wheels.sh PYTHON
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=${1:?usage: scripts/ros_wheels.sh PYTHON}
readonly CACHE=.cache/wheels
# In this order: the last is built on the first.
readonly PACKAGES=(ros_nodes/compat/vision_msgs ros_nodes/compat/tf2_msgs ros_nodes/kosmos_interfaces)

say() { printf '==> %s\n' "$*" >&2; }

# Everything that a wheel depends on: definitions, build files, the versions of what builds them, the Python.
key() {
    local tag
    tag=$("$PYTHON" -c 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform(), sep="-")')
    {
        find "${PACKAGES[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        sha256sum ros_nodes/ros_wheels.cmake scripts/ros_wheels.sh
        grep '^ros-' constraints.txt
    } | sha256sum | cut -c1-16 | sed "s/^/$tag-/"
}

# What the packages' own build-system tables ask for, but for the packages themselves.
build_requirements() {
    "$PYTHON" - "${PACKAGES[@]}" <<'CODE'
import pathlib, sys, tomllib
tables = [tomllib.loads(pathlib.Path(folder, "pyproject.toml").read_text()) for folder in sys.argv[1:]]
ours = tuple(table["project"]["name"] for table in tables)
wanted = {item for table in tables for item in table["build-system"]["requires"] if not item.startswith(ours)}
print(*sorted(wanted), sep="\n")
CODE
}

build() {
    local package
    local -a requirements pip=("$1/tools/bin/python" -m pip --disable-pip-version-check)
    say "tools that generate ROS messages"
    "$PYTHON" -m venv "$1/tools"
    mapfile -t requirements < <(build_requirements)
    "${pip[@]}" install -q -c constraints.txt "${requirements[@]}" >&2
    for package in "${PACKAGES[@]}"; do
        say "wheel of ${package##*/} (once; kept in $CACHE)"
        PATH="$1/tools/bin:$PATH" "${pip[@]}" wheel -q --no-build-isolation --no-deps -w "$1/wheel" "$package" >&2
        "${pip[@]}" install -q --no-deps "$1"/wheel/*.whl >&2
        mkdir -p "$1/wheels"
        mv "$1"/wheel/*.whl "$1/wheels/"
    done
}

main() {
    local folder work
    folder=$CACHE/$(key)
    if [[ ! -d $folder ]]; then
        mkdir -p "$CACHE"
        work=$(mktemp -d "$PWD/$CACHE/.building-XXXXXX")
        # shellcheck disable=SC2064  # the folder of now
        trap "rm -rf '$work'" EXIT
        build "$work"
        mv -T "$work/wheels" "$folder" 2>/dev/null || [[ -d $folder ]] # someone else may have been quicker
    fi
    printf '%s\n' "$folder"
}

main
