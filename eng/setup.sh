# dev setup: what a fresh machine lacks. Everything here may be run again at no cost.

# dev_setup [build|tests|bench]: for that alone; for everything when nothing is named.
dev_setup() {
    local purpose=${1:-everything}
    check_sdk
    case $purpose in tests|everything)
        native_library liblz4.so.1 liblz4-1 "the test that compares our LZ4 with the original is skipped"
        native_library libxxhash.so.0 libxxhash0 "the test that compares our XXH3 with the original is skipped"
        debian_program redis-cli redis-tools "it is not tried against the server"
        python_module redis python3-redis "redis-py is not tried against the server"
        node_packages tests/Protocols/Clients/ioredis "ioredis is not tried against the server"
        node_packages tests/Protocols/Clients/node-redis "node-redis is not tried against the server" ;;
    esac
    case $purpose in bench|everything)
        native_library librocksdb.so.7.8 librocksdb7.8 "rows beside RocksDB have no peer"
        debian_program redis-benchmark redis-tools "there is no load for the redis suite"
        redis_server
        debian_program g++ g++ "rows beside hnswlib have no peer"
        [ -f /usr/include/hnswlib/hnswlib.h ] || debian_package libhnswlib-dev libhnswlib-dev "rows beside hnswlib have no peer"
        dotnet_tool garnet-server 2.2.5 "rows beside Garnet have no peer" ;;
    esac
    if [ "$purpose" != build ] && [ -z "${AEVUM_DATASETS:-}" ]; then
        step "AEVUM_DATASETS is not set: tests on large data sets are skipped, and rows of benchmarks that read them"
    fi
    step "fetching packages"
    mkdir -p artifacts/logs
    patiently "fetching packages" artifacts/logs/restore.log dotnet restore Aevum.slnx --nologo -v quiet \
        || { cat artifacts/logs/restore.log >&2; fail "the packages could not be fetched"; }
}

check_sdk() {
    command -v dotnet >/dev/null || fail "the .NET 10 SDK is not on the PATH (https://dotnet.microsoft.com/download)"
    local version
    version=$(dotnet --version 2>/dev/null) || fail "this repository needs a .NET 10 SDK; here are: $(dotnet --list-sdks | tr '\n' ' ')"
    step ".NET SDK $version"
}

# native_library FILE PACKAGE WITHOUT_IT: installs a Debian package when the library is not there and this user may.
native_library() {
    # Not a pipe into grep -q: it leaves early, ldconfig dies of the broken pipe, and pipefail makes that a "not found".
    local known
    known=$(/sbin/ldconfig -p 2>/dev/null || true)
    case $known in *"$1"*) return ;; esac
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        step "$1 is not installed (Debian: apt-get install $2): $3"
        return
    fi
    step "installing $2"
    mkdir -p artifacts/logs
    patiently "installing $2" "artifacts/logs/apt-$2.log" install_package "$2" \
        || step "$2 could not be installed (artifacts/logs/apt-$2.log): $3"
}

# debian_program PROGRAM PACKAGE WITHOUT_IT: the same for a program.
debian_program() {
    command -v "$1" >/dev/null || debian_package "$1" "$2" "$3"
}

# The program alone is wanted: Debian's package also starts it as a service, on the port where our own server listens by default.
redis_server() {
    ! command -v redis-server >/dev/null || return 0
    debian_program redis-server redis-server "rows beside Redis have no peer"
    ! command -v systemctl >/dev/null || systemctl disable --now redis-server >/dev/null 2>&1 || true
}

# python_module MODULE PACKAGE WITHOUT_IT: the same for a module of Python, whether of the first python3 on the path or of the system's.
python_module() {
    local python
    for python in python3 /usr/bin/python3; do
        ! "$python" -c "import $1" 2>/dev/null || return 0
    done
    debian_package "the Python module $1" "$2" "$3"
}

# debian_package WHAT PACKAGE WITHOUT_IT: installs it where this user may.
debian_package() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        step "$1 is not installed (Debian: apt-get install $2): $3"
        return
    fi
    step "installing $2"
    mkdir -p artifacts/logs
    patiently "installing $2" "artifacts/logs/apt-$2.log" install_package "$2" \
        || step "$2 could not be installed (artifacts/logs/apt-$2.log): $3"
}

# node_packages FOLDER WITHOUT_IT: what its package-lock.json names, into its node_modules, unless that is what lies there.
node_packages() {
    local lock=$1/package-lock.json log
    log=artifacts/logs/npm-$(basename "$1").log
    ! cmp -s "$lock" "$1/node_modules/.fetched" || return 0
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        step "node and npm are not installed: $2"
        return
    fi
    step "fetching the packages of $1"
    mkdir -p artifacts/logs
    if patiently "fetching" "$log" npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts; then
        cp "$lock" "$1/node_modules/.fetched"
    else
        step "they could not be fetched ($log): $2"
    fi
}

# dotnet_tool PACKAGE VERSION WITHOUT_IT: a tool of .NET, into artifacts/tools.
dotnet_tool() {
    [ ! -e "artifacts/tools/$1" ] || return 0
    step "installing $1 $2"
    mkdir -p artifacts/logs artifacts/tools
    patiently "installing $1" "artifacts/logs/tool-$1.log" dotnet tool install "$1" --version "$2" --tool-path artifacts/tools \
        || step "$1 could not be installed (artifacts/logs/tool-$1.log): $3"
}

install_package() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends "$1" || { apt-get update -q && apt-get install -y -q --no-install-recommends "$1"; }
}
