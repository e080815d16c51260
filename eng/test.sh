# dev test: builds once, runs every test project, and sums up what the result files say. The last line is `N passed, N failed`.
#
# Tests run in Debug, where assertions are on. A console run (simulation, crash) counts as one test. eng/test-budgets holds the
# seconds each area should take; going over is told, and fails nothing, for machines differ.

. eng/setup.sh

passed=0
failed=0
skipped=0
results=artifacts/test-results

dev_test() {
    local all=0 names=() project name
    while [ $# -gt 0 ]; do
        case $1 in
            --all) all=1 ;;
            -*) fail "test: unknown option $1" ;;
            *) names+=("$1") ;;
        esac
        shift
    done

    dev_setup tests
    rm -rf "$results"
    mkdir -p "$results"
    build_target Debug Aevum.slnx
    [ $all = 0 ] || export AEVUM_LONG_TESTS=1

    for project in tests/*/*.Tests.csproj; do
        name=$(basename "$project" .csproj)
        if chosen "$name"; then test_project "$project" "$name"; fi
    done
    if [ "${AEVUM_GOLDENS:-}" = rewrite ]; then
        step "golden scripts are rewritten"
    elif [ $all = 0 ]; then
        test_console tests/Simulation "sim storage" storage --seeds 300
        test_console tests/Simulation "sim engine" engine --seeds 100
        test_console tests/Crash "crash storage" storage --rounds 10
        test_console tests/Crash "crash engine" engine --rounds 5
        test_console tests/Crash "crash redis" redis --rounds 5
        test_console tests/Crash "crash vectors" vectors --rounds 4
    else
        test_console tests/Simulation "sim storage" storage --seeds 10000
        test_console tests/Simulation "sim engine" engine --seeds 5000
        test_console tests/Crash "crash storage" storage --rounds 300
        test_console tests/Crash "crash engine" engine --rounds 300
        test_console tests/Crash "crash redis" redis --rounds 200
        test_console tests/Crash "crash vectors" vectors --rounds 100
    fi

    if [ "${AEVUM_GOLDENS:-}" != rewrite ] && chosen pack; then test_pack; fi

    step "done; $skipped skipped"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# True when no NAME was asked for, or one of them is part of this one.
chosen() {
    local wanted
    [ ${#names[@]} -gt 0 ] || return 0
    for wanted in "${names[@]}"; do
        case $1 in *"$wanted"*) return 0 ;; esac
    done
    return 1
}

# test_project PROJECT NAME
test_project() {
    local name=$2 began=$SECONDS code=0 trx=$results/$2.trx log=$results/$2.log counters ok bad total
    step "$name"
    patiently "$name" "$log" dotnet test "$(dirname "$1")/bin/Debug/net10.0/$name.dll" \
        --logger "trx;LogFileName=$name.trx" --results-directory "$results" --nologo \
        --blame-hang --blame-hang-timeout 5m --blame-hang-dump-type none || code=$?

    counters=$(grep -o '<Counters [^>]*>' "$trx" 2>/dev/null || true)
    total=$(counter total)
    ok=$(counter passed)
    bad=$(counter failed)
    # A run that died counts as a failure even where its result file names none; so does a project without a single test.
    if [ "$code" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$total" = 0 ] && [ "$bad" = 0 ]; then
        echo "no test ran" >>"$log"
        bad=1
    fi
    if [ "$bad" != 0 ]; then grep -v '^\[xUnit.net .*\] *\(Discover\|Start\|Finish\)' "$log" || true; fi
    skips "$trx"
    tally "$name" "$ok" "$bad" $((total - ok - bad > 0 ? total - ok - bad : 0)) $((SECONDS - began))
}

# Each skipped test with its reason.
skips() {
    [ -f "$1" ] || return 0
    awk '/outcome="NotExecuted"/ { name = $0; sub(/.*testName="/, "", name); sub(/".*/, "", name) }
         name != "" && /<Message>/ { sub(/.*<Message>/, ""); sub(/<\/Message>.*/, ""); print "        skipped: " name ": " $0; name = "" }' "$1" \
        | sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | sort
}

counter() {
    local value
    value=$(printf '%s' "$counters" | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p")
    printf '%d' "${value:-0}"
}

# test_console DIR NAME ARGUMENTS...: one test if the project exists; its own output is shown as it comes.
test_console() {
    local project name=$2 began=$SECONDS
    project=$(console_project "$1")
    shift 2
    if [ -z "$project" ] || ! chosen "$name"; then return; fi
    step "$name ${*:2}"
    if run_console "$project" Debug "$@"; then
        tally "$name" 1 0 0 $((SECONDS - began))
    else
        tally "$name" 0 1 0 $((SECONDS - began))
    fi
}

# The packages are made, and a new program runs with nothing but them: one test.
test_pack() {
    local began=$SECONDS
    if (. eng/pack.sh; pack_packages; try_packages); then tally pack 1 0 0 $((SECONDS - began)); else tally pack 0 1 0 $((SECONDS - began)); fi
}

# tally NAME PASSED FAILED SKIPPED SECONDS
tally() {
    local budget over=""
    passed=$((passed + $2))
    failed=$((failed + $3))
    skipped=$((skipped + $4))
    budget=$(awk -v name="$1" '$1 == name { print $NF }' FS=' *[|] *' eng/test-budgets)
    if [ -n "$budget" ] && [ "$5" -gt "$budget" ]; then over="  OVER BUDGET"; fi
    printf '        %-32s %6d passed %4d failed %4d skipped  %4d s of %s s%s\n' "$1" "$2" "$3" "$4" "$5" "${budget:-?}" "$over"
}
