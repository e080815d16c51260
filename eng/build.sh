# dev build: publishes the command line. artifacts/aevum starts it from any directory.

. eng/setup.sh

dev_build() {
    dev_setup build
    publish
}

publish() {
    mkdir -p artifacts/logs
    step "building artifacts/aevum (Release)"
    patiently "building" artifacts/logs/publish.log dotnet publish src/Aevum.Cli -c Release -o artifacts/bin --nologo -v quiet -clp:NoSummary \
        || { cat artifacts/logs/publish.log >&2; fail "the build failed"; }

    # A launcher, not a link: the program must find the runtime that built it even where DOTNET_ROOT is not set and .NET lies in a
    # home directory. It replaces itself, so that signals reach the program.
    local root
    root=$(dirname "$(readlink -f "$(command -v dotnet)")")
    cat >artifacts/aevum.new <<LAUNCHER
#!/bin/sh
here=\$(readlink -f "\$0")
[ -n "\$DOTNET_ROOT" ] || [ ! -d '$root/shared' ] || export DOTNET_ROOT='$root'
exec "\${here%/*}/bin/aevum" "\$@"
LAUNCHER
    chmod +x artifacts/aevum.new
    mv artifacts/aevum.new artifacts/aevum
    step "artifacts/aevum is ready"
}
