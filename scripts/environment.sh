# Sourced by `demo` and `test`: makes a virtual environment and keeps it up to date.
#
# A stamp inside the environment holds a checksum of pyproject.toml, so that a second run starts
# at once and a changed dependency is installed without being asked for.

# Prints the first Python of at least version 3.11; `PYTHON` overrides the search.
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no python3")
    echo "arien-flows needs Python 3.11 or newer, and this machine has: $found." >&2
    echo "Install a newer one, or name it: PYTHON=/path/to/python3 $0" >&2
    return 1
}

# make_environment FOLDER PIP-ARGUMENTS…: installs this checkout and the arguments into FOLDER.
make_environment() {
    environment=$1
    shift
    python=$(find_python)
    wanted="$("$python" --version) $(cksum <pyproject.toml) $PWD $*"
    if [ "$(cat "$environment/installed" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "Installing into $environment ($("$python" --version)); this takes a minute …" >&2
    if ! "$python" -m venv --clear "$environment"; then
        echo "Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
        return 1
    fi
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    # The pip that comes with Python 3.11 does not know --group.
    "$environment/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
    "$environment/bin/python" -m pip install --quiet --editable . "$@"
    echo "$wanted" >"$environment/installed"
}
