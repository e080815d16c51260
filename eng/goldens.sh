# dev goldens: runs the tests with golden scripts in rewriting mode. What counts is the diff: commit it only if each line has a reason.

. eng/test.sh

dev_goldens() {
    export AEVUM_GOLDENS=rewrite
    dev_test "$@" || true
    if command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1; then
        git --no-pager diff --stat -- '*/testdata/*'
    fi
}
