# shellcheck shell=bash
# What every script shares. Sourced; sets `root` (the repository) and goes there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
export LC_ALL=C.UTF-8

# ccache and other tools want a home; where there is none (a bare service account, an empty HOME), they get a
# place inside build/, so that nothing is written anywhere else.
if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    mkdir -p "$root/build/home"
    export HOME="$root/build/home"
fi

say() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# How many compiler processes: one a core, and no more than memory holds (about 1.5 GB for each).
jobs_for_machine() {
    local cores memory_kb by_memory
    cores=$(nproc)
    memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
    by_memory=$((memory_kb / 1500000))
    [ "$by_memory" -ge 1 ] || by_memory=1
    [ "$cores" -le "$by_memory" ] && echo "$cores" || echo "$by_memory"
}

# build PRESET [TARGET...]: configures on every call (it is quick, and finds new files) and builds the targets, or all.
build() {
    local preset=$1 target
    shift
    local targets=()
    for target in "$@"; do targets+=(--target "$target"); done
    cmake --preset "$preset" >"$root/build/configure-$preset.log" 2>&1 ||
        { cat "$root/build/configure-$preset.log" >&2; return 1; }
    cmake --build "build/$preset" -j "$(jobs_for_machine)" "${targets[@]}"
}

# Every C++ file of ours, one a line.
cpp_files() { find src tests bench -type f \( -name '*.cpp' -o -name '*.h' \) 2>/dev/null | sort; }

# Every script of ours, one a line, told apart by its first line: shell or python.
script_files() {
    local kind=$1 file first
    while IFS= read -r file; do
        first=''
        IFS= read -r first <"$file" || true
        case "$kind:$file:$first" in
            shell:*.sh:* | shell:*:'#!'*bash* | shell:*:'#!'*/sh*) printf '%s\n' "$file" ;;
            python:*.py:* | python:*:'#!'*python*) printf '%s\n' "$file" ;;
        esac
    done < <(find scripts .ci tests packaging src/images/guest -type f ! -name '*.pyc' ! -name '*.cpp' ! -name '*.h' 2>/dev/null | sort)
}
