# dev crash: a process that writes is killed at random moments; afterwards everything it acknowledged must be there.

. eng/setup.sh

dev_crash() {
    local project
    project=$(console_project tests/Crash)
    [ -n "$project" ] || fail "there is no crash test yet (tests/Crash)"
    [ $# -gt 0 ] || fail "what to kill? ./dev crash storage|engine|redis|vectors [--rounds 30]"
    dev_setup tests
    build_target Debug "$project"
    step "crash $*"
    run_console "$project" Debug "$@"
}
