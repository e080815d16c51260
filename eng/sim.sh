# dev sim: seeded runs of the whole store on virtual time, with faults. The same seed gives the same run.

. eng/setup.sh

dev_sim() {
    local project
    project=$(console_project tests/Simulation)
    [ -n "$project" ] || fail "there is no simulation yet (tests/Simulation)"
    [ $# -gt 0 ] || fail "what to simulate? ./dev sim storage|engine --seeds 100 [--first 1]"
    dev_setup tests
    build_target Debug "$project"
    step "sim $*"
    run_console "$project" Debug "$@"
}
