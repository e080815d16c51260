# dev bench: the workloads, each beside its peer. Rows are JSON Lines: workload, ours, peer, peer_name, unit, ratio (above 1 is better
# for us; null without a peer) and exactly one of at_least, at_most: the bound this row is held to. `plot SUITE ROWS.jsonl CHART.svg [LINE]...` draws rows measured before.

. eng/setup.sh

dev_bench() {
    local project
    project=$(console_project bench/Workloads)
    [ -n "$project" ] || fail "there is no workload yet (bench/Workloads)"
    dev_setup bench >&2
    build_target Release "$project" >&2
    # The vectors suite has two rows over Redis' protocol.
    if [ "${1:-}" = redis ] || { [ "${1:-}" = vectors ] && [[ $# = 1 || "$*" = *resp* || "$*" != *--rows* ]]; }; then
        . eng/build.sh
        publish >&2
    fi
    if [ "${1:-}" = vectors ]; then hnswlib_harness >&2; fi
    if [ $# = 0 ]; then
        run_console "$project" Release list
    elif [ "$1" = plot ]; then
        run_console "$project" Release "$@"
    else
        run_console "$project" Release run "$@"
    fi
}

# The peer of the vectors suite: our small program around Debian's hnswlib, for this machine's processor.
hnswlib_harness() {
    local source=bench/Hnswlib/harness.cpp program=artifacts/vectors/hnswlib-harness version
    if ! command -v g++ >/dev/null || [ ! -f /usr/include/hnswlib/hnswlib.h ]; then
        step "g++ or libhnswlib-dev is not installed: rows beside hnswlib have no peer"
        return
    fi
    if [ "$program" -nt "$source" ] && [ "$program" -nt /usr/include/hnswlib/hnswlib.h ]; then return; fi
    version=$(dpkg-query -W -f '${Version}' libhnswlib-dev 2>/dev/null || true)
    step "compiling $source"
    mkdir -p artifacts/vectors
    g++ -O3 -march=native -std=c++17 -pthread "-DHNSWLIB_VERSION=\"${version:-unknown}\"" "$source" -o "$program.part"
    mv "$program.part" "$program"
}
