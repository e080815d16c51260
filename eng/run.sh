# dev run: from nothing to a prompt.

. eng/build.sh

dev_run() {
    local directory=${1:-./data}
    dev_build
    if [ ! -e "$directory" ]; then
        step "filling $directory with the demo data"
        # Filled under another name and renamed, so that an interrupted run leaves nothing that looks like a database.
        rm -rf "$directory.filling"
        artifacts/aevum demo "$directory.filling" || { rm -rf "$directory.filling"; fail "the demo data could not be loaded"; }
        mv "$directory.filling" "$directory"
    fi
    step "artifacts/aevum shell $directory"
    exec artifacts/aevum shell "$directory"
}
