# Sourced by dev: steps with elapsed time, and finding and building projects.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDTERMINALLOGGER=off
started=$SECONDS

step() { printf '[%4ds] %s\n' $((SECONDS - started)) "$*"; }
fail() { printf 'dev: %s\n' "$*" >&2; exit 1; }

# Runs a command with its output kept in a file. While it runs, a line every 15 seconds tells that it is alive; the output is shown
# if it fails. patiently WHAT LOG COMMAND...
patiently() {
    local what=$1 log=$2 began=$SECONDS code=0 runner said=0
    shift 2
    "$@" >"$log" 2>&1 &
    runner=$!
    while kill -0 "$runner" 2>/dev/null; do
        sleep 0.2
        if (( (SECONDS - began) / 15 > said )); then
            said=$(( (SECONDS - began) / 15 ))
            step "  $what: still at it after $((SECONDS - began)) s"
        fi
    done
    wait "$runner" || code=$?
    return $code
}

# Builds the solution or a project and shows only what went wrong. build_target CONFIGURATION TARGET
build_target() {
    local log
    mkdir -p artifacts/logs
    log=artifacts/logs/build-$(basename "$2").log
    step "building $2 ($1)"
    patiently "building" "$log" dotnet build "$2" -c "$1" --nologo -v quiet -clp:NoSummary || { cat "$log" >&2; fail "the build failed"; }
}

# The console projects beside the tests are optional until they exist. console_project DIR prints the project file, or nothing.
console_project() {
    local found
    for found in "$1"/*.csproj; do
        [ -f "$found" ] && printf '%s' "$found"
        return 0
    done
}

# Runs a console project that was built. run_console PROJECT CONFIGURATION ARGUMENTS...
run_console() {
    local project=$1 configuration=$2
    shift 2
    dotnet "$(dotnet msbuild "$project" -nologo -getProperty:TargetPath -p:Configuration="$configuration")" "$@"
}
