# dev bench: the workloads, each beside its peer. Rows are JSON Lines: workload, ours, peer, peer_name, unit, ratio (above 1 is better
# for us; null without a peer) and exactly one of at_least, at_most: the bound this row is held to. `plot SUITE ROWS.jsonl CHART.svg [LINE]...` draws rows measured before.

. eng/setup.sh

dev_bench() {
    local project
    project=$(console_project bench/Workloads)
    [ -n "$project" ] || fail "there is no workload yet (bench/Workloads)"
    dev_setup bench >&2
    build_target Release "$project" >&2
    if [ "${1:-}" = redis ]; then
        . eng/build.sh
        publish >&2
    fi
    if [ $# = 0 ]; then
        run_console "$project" Release list
    elif [ "$1" = plot ]; then
        run_console "$project" Release "$@"
    else
        run_console "$project" Release run "$@"
    fi
}
