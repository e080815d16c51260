# dev run: from nothing to a server that answers.

. eng/build.sh

# dev_run [DIR] [FLAG...]: flags go to 'aevum serve'.
dev_run() {
    local directory=./data
    case ${1:-} in ''|-*) ;; *) directory=$1; shift ;; esac
    dev_build
    if [ ! -e "$directory" ]; then
        step "filling $directory with the demo data"
        # Filled under another name and renamed, so that an interrupted run leaves nothing that looks like a database.
        rm -rf "$directory.filling"
        artifacts/aevum demo "$directory.filling" >/dev/null || { rm -rf "$directory.filling"; fail "the demo data could not be loaded"; }
        mv "$directory.filling" "$directory"
    fi
    step "artifacts/aevum serve --data $directory $*"
    cat <<'TEXT'
         in another terminal:  redis-cli hgetall synset:956
                               redis-cli smembers rel:956:hypernym
                               redis-cli zrevrange count:relation 0 9 withscores
         ^C ends it; 'artifacts/aevum shell DIR' looks at the same database when nobody serves it
TEXT
    exec artifacts/aevum serve --data "$directory" "$@"
}
