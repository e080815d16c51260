#!/usr/bin/env bash
# redis-cli, as people use it in shells and scripts. How lines are read: ClientScript.cs.
#
# What has to stay connected between two steps is `talk`: a redis-cli that reads its commands from a pipe.
set -uo pipefail
host=$1 port=$2 count=0 bad=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cli() { redis-cli -h "$host" -p "$port" --no-auth-warning "$@" </dev/null 2>&1; }
# Commands from the standard input, one connection.
lines() { redis-cli -h "$host" -p "$port" --no-auth-warning --no-raw "$@" 2>&1; }

# verdict NAME EXPECTED SEEN
verdict() {
    count=$((count + 1))
    if [ "$2" == "$3" ]; then
        echo "ok $1"
    else
        bad=$((bad + 1))
        printf 'failed %s: expected %q, saw %q\n' "$1" "$2" "$3"
    fi
}

# is NAME EXPECTED ARGUMENT...: what redis-cli prints, with types as at a terminal.
is() { verdict "$1" "$2" "$(cli --no-raw "${@:3}")"; }
# has NAME PART ARGUMENT...: the same where only a part is the same everywhere.
has() {
    local seen
    seen=$(cli --no-raw "${@:3}")
    case $seen in *"$2"*) seen=$2 ;; esac
    verdict "$1" "$2" "$seen"
}

# until_is EXPECTED COMMAND...: waits up to 20 s; a condition that never comes is told by the check after it.
until_is() {
    local tries
    for tries in {1..400}; do
        [ "$("${@:2}")" == "$1" ] && return 0
        sleep 0.05
    done
    return 1
}
blocked() { cli INFO clients | tr -d '\r' | sed -n 's/^blocked_clients://p'; }
holds() { grep -qF -- "$2" "$1" && echo yes || echo no; }

# A connection that stays open. After its commands an ECHO is sent, so that what is heard until then belongs to them.
open_talk() { coproc TALK { redis-cli -h "$host" -p "$port" --no-raw "$@" 2>&1; }; }
heard() {
    local line said=""
    while IFS= read -r -t 30 line <&"${TALK[0]}"; do
        [ "$line" == '"--"' ] && break
        [ -z "$line" ] || said+=${said:+ }$line
    done
    printf '%s' "$said"
}
talk() {
    printf '%s\nECHO --\n' "$*" >&"${TALK[1]}"
    heard
}
close_talk() {
    local pid=$TALK_PID input=${TALK[1]}
    exec {input}>&-
    wait "$pid" 2>/dev/null
}

is "connect: ping" PONG PING
is "connect: another database" OK -n 5 SET where five
is "connect: databases are apart" "(nil)" GET where
cli -n 5 DEL where >/dev/null

cli HSET proto f v >/dev/null
is "protocol: RESP2 tells a map as a list" $'1) "f"\n2) "v"' HGETALL proto
is "protocol: RESP3 tells a map" '1# "f" => "v"' -3 HGETALL proto
is "protocol: as JSON" '{"f":"v"}' --json HGETALL proto
has "protocol: HELLO tells of the server" '"proto" => (integer) 3' -3 HELLO 3
has "protocol: an unknown version is refused" "NOPROTO unsupported protocol version" HELLO 4

is "access: a user is made" OK ACL SETUSER reader on '>open sesame' '~pub:*' +get +ping +set
is "access: with his password he is let in" OK --user reader --pass 'open sesame' SET pub:a 1
has "access: a wrong password is refused" "WRONGPASS" --user reader --pass wrong PING
has "access: another command is not his" "NOPERM" --user reader --pass 'open sesame' DEL pub:a
has "access: another key is not his" "NOPERM" --user reader --pass 'open sesame' GET private
is "access: the user goes" "(integer) 1" ACL DELUSER reader

is "strings: set" OK SET s hello
is "strings: get" '"hello"' GET s
is "strings: append" "(integer) 11" APPEND s " world"
is "strings: a range" '"world"' GETRANGE s 6 -1
is "strings: only if absent" "(nil)" SET s x NX
is "strings: count" "(integer) 42" INCRBY n 42
is "strings: count in parts" '"42.5"' INCRBYFLOAT n 0.5
is "strings: several" $'1) "hello world"\n2) (nil)' MGET s none
printf 'a\0b\r\nc' | redis-cli -h "$host" -p "$port" -x SET bytes >/dev/null
is "strings: any bytes" '"a\x00b\r\nc"' GET bytes

is "hashes: set" "(integer) 2" HSET h a 1 b 2
is "hashes: count" "(integer) 6" HINCRBY h a 5
is "hashes: several" $'1) "6"\n2) "2"\n3) (nil)' HMGET h a b c
is "hashes: delete" "(integer) 1" HDEL h b
is "hashes: length" "(integer) 1" HLEN h

is "lists: push" "(integer) 3" RPUSH l a b c
is "lists: range" $'1) "a"\n2) "b"\n3) "c"' LRANGE l 0 -1
is "lists: pop" '"c"' RPOP l
is "lists: move" '"a"' LMOVE l l2 LEFT RIGHT
is "lists: insert" "(integer) 2" LINSERT l BEFORE b x

cli --no-raw BLPOP queue 30 >"$scratch/blpop" &
waiting=$!
until_is 1 blocked
is "blocking: the push that serves it" "(integer) 1" RPUSH queue job
wait $waiting
verdict "blocking: the one that waited is served" $'1) "queue"\n2) "job"' "$(head -2 "$scratch/blpop")"
has "blocking: a wait ends" "(nil)" BLPOP queue 0.05

is "sets: add" "(integer) 3" SADD set a b c
is "sets: member" "(integer) 1" SISMEMBER set b
cli SADD set2 b c d >/dev/null
verdict "sets: intersection" "b c" "$(cli SINTER set set2 | sort | xargs)"
is "sets: size of the union" "(integer) 4" SUNIONSTORE set3 set set2

is "sorted sets: add" "(integer) 3" ZADD z 1 one 2 two 3.5 more
is "sorted sets: by rank" $'1) "one"\n2) "1"\n3) "two"\n4) "2"' ZRANGE z 0 1 WITHSCORES
is "sorted sets: by score, from above" $'1) "more"\n2) "two"' ZRANGE z +inf '(1' BYSCORE REV
is "sorted sets: a score in RESP3" "(double) 3.5" -3 ZSCORE z more
is "sorted sets: pop" $'1) "one"\n2) "1"' ZPOPMIN z

is "streams: add" '"1-1"' XADD st 1-1 f v
is "streams: a group" OK XGROUP CREATE st g 0
is "streams: read through it" $'1) 1) "st"\n   2) 1) 1) "1-1"\n         2) 1) "f"\n            2) "v"' XREADGROUP GROUP g me STREAMS st '>'
is "streams: pending" $'1) (integer) 1\n2) "1-1"\n3) "1-1"\n4) 1) 1) "me"\n      2) "1"' XPENDING st g
is "streams: acknowledge" "(integer) 1" XACK st g 1-1

verdict "transactions: together" $'OK\nQUEUED\nQUEUED\n1) OK\n2) (integer) 2' "$(printf 'MULTI\nSET t 1\nINCR t\nEXEC\n' | lines)"
verdict "transactions: one that was refused is not run" "yes" \
    "$(printf 'MULTI\nSET t 7\nNOSUCH\nEXEC\n' | lines >"$scratch/abort"; holds "$scratch/abort" EXECABORT)"
open_talk
verdict "transactions: watch" OK "$(talk WATCH t)"
is "transactions: somebody else writes" OK SET t other
# Not by talk: the ECHO that ends it would be queued as well.
printf 'MULTI\nSET t mine\nEXEC\nECHO --\n' >&"${TALK[1]}"
verdict "transactions: a conflict is seen" "OK QUEUED (nil)" "$(heard)"
is "transactions: and nothing written" '"other"' GET t
close_talk

for i in {1..2000}; do printf '*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$%d\r\n%d\r\n' $((5 + ${#i})) "$i" ${#i} "$i"; done >"$scratch/pipe"
verdict "pipelines: a mass of requests" "errors: 0, replies: 2000" "$(redis-cli -h "$host" -p "$port" --pipe <"$scratch/pipe" 2>&1 | tail -1)"
is "pipelines: the last of them is there" '"2000"' GET pipe:2000

redis-cli -h "$host" -p "$port" --no-raw SUBSCRIBE news </dev/null >"$scratch/sub" 2>&1 &
listening=$!
until_is $'news\n1' cli PUBSUB NUMSUB news
is "pubsub: published" "(integer) 1" PUBLISH news hello
until_is yes holds "$scratch/sub" hello
verdict "pubsub: heard" '1) "message" 2) "news" 3) "hello"' "$(tail -3 "$scratch/sub" | tr '\n' ' ' | sed 's/ $//')"
kill $listening
wait $listening 2>/dev/null

verdict "scan: every key once" 2000 "$(cli --scan --pattern 'pipe:*' | sort -u | wc -l)"
verdict "scan: by type" "z" "$(printf 'SCAN 0 TYPE zset COUNT 100000\n' | redis-cli -h "$host" -p "$port" | tail -n +2 | xargs)"
verdict "scan: big keys" yes "$(cli --bigkeys >"$scratch/big"; holds "$scratch/big" 'Sampled 20')"

is "expiry: set" OK SET e v PX 60000
verdict "expiry: runs" yes "$(left=$(cli PTTL e); [ "$left" -gt 0 ] && [ "$left" -le 60000 ] && echo yes || echo "$left")"
is "expiry: taken back" "(integer) 1" PERSIST e
is "expiry: none" "(integer) -1" TTL e
cli SET e v PX 1 >/dev/null
gone() { cli EXISTS e; }
until_is 0 gone
is "expiry: gone" "(nil)" GET e

cli SET cached 1 >/dev/null
open_talk -3 --show-pushes yes
verdict "caching: tracking" OK "$(talk CLIENT TRACKING ON)"
verdict "caching: read" '"1"' "$(talk GET cached)"
is "caching: somebody else writes" OK SET cached 2
verdict "caching: told of it" "-> invalidate: 'cached' PONG" "$(talk PING)"
close_talk

has "errors: the wrong type" "WRONGTYPE Operation against a key holding the wrong kind of value" LPUSH s x
has "errors: no such command" "ERR unknown command 'NOSUCH'" NOSUCH a
has "errors: too few arguments" "ERR wrong number of arguments for 'get' command" GET
has "errors: not a number" "ERR value is not an integer or out of range" INCR s

has "cluster: refused politely" "ERR This instance has cluster support disabled" CLUSTER NODES
is "cluster: a client that would follow is served" '"hello world"' -c GET s

is "history: kept" OK AEVUM.RETENTION forever
is "history: compared and set" "(nil)" AEVUM.CAS s v:1 other
cli SET doc one >/dev/null
version=$(cli AEVUM.GETV doc | head -1)
case $version in v:[0-9]*) verdict "history: a version" yes yes ;; *) verdict "history: a version" v:... "$version" ;; esac
has "history: written if unchanged" '"v:' AEVUM.CAS doc "$version" two
verdict "history: the past is read" $'"'"$version"$'"\n"one"' "$(printf 'AEVUM.ASOF %s\nGET doc\n' "$version" | lines)"
verdict "history: all versions" "two one" "$(cli AEVUM.HISTORY doc | grep -xE 'one|two' | xargs)"

is "vectors: a collection" OK VNEW near 2 METRIC l2
is "vectors: a name that is taken" "(error) ERR index already exists" VNEW near 2
is "vectors: numbers" "(integer) 1" VADD near a VALUES 2 0 0
# Two float32, little endian: 3 and 4. Bytes go in by -x, as a file would.
verdict "vectors: bytes" 1 "$(printf '\x00\x00\x40\x40\x00\x00\x80\x40' | redis-cli -h "$host" -p "$port" -x VADD near b 2>&1)"
is "vectors: searched" $'1) "a"\n2) "0"\n3) "b"\n4) "5"' VSEARCH near VALUES 2 0 0 9
is "vectors: from a key" $'1) "b"\n2) "0"' VSEARCH near KEY b 1 EXACT
moment=$(date +%s%6N)us
is "vectors: replaced" "(integer) 0" VADD near b VALUES 2 6 8
is "vectors: deleted" "(integer) 1" VDEL near a
is "vectors: found no more" $'1) "b"\n2) "10"' VSEARCH near VALUES 2 0 0 9
is "vectors: as they were" $'1) "a"\n2) "0"\n3) "b"\n4) "5"' VSEARCH near VALUES 2 0 0 9 ASOF "$moment"
is "vectors: told" $'1) "dim"\n2) (integer) 2\n3) "metric"\n4) "l2"\n5) "count"\n6) (integer) 1' VINFO near
has "vectors: another dimension" "ERR wrong vector dimension: index expects 2, got 3" VADD near c VALUES 3 1 2 3
has "vectors: nowhere to save them" "ERR persistence not enabled; start with a data dir" VSAVE
is "vectors: dropped" OK VDROP near
is "vectors: gone" "(empty array)" VLIST

open_talk
verdict "restart: before" PONG "$(talk PING)"
echo restart
read -r -t 120 _
# At a terminal it would connect again; from a pipe it says so and ends.
verdict "restart: a client that was connected is told" "Error: Server closed the connection" "$(talk PING)"
close_talk
is "restart: a new one writes" OK SET after 1
is "restart: what was in memory is gone" "(nil)" GET s

echo "end $count"
[ "$bad" == 0 ]
