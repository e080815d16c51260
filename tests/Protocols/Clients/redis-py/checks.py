# redis-py. How lines are read: ClientScript.cs. The version that Debian 12 has (4.3) speaks RESP2 alone, so client-side caching goes the way that RESP2
# leaves: invalidations to a second connection that subscribes.
#
# A check is a function; its name is in the decorator, and it holds if it raises nothing.
import struct
import sys
import threading
import time

import redis

HOST, PORT = sys.argv[1], int(sys.argv[2])
CHECKS = []


def check(name):
    def keep(body):
        CHECKS.append((name, body))
        return body

    return keep


def connect(**options):
    options.setdefault("decode_responses", True)
    return redis.Redis(host=HOST, port=PORT, socket_timeout=60, **options)


def equal(seen, expected):
    if seen != expected:
        raise AssertionError(f"expected {expected!r}, saw {seen!r}")


def true(seen, what):
    if not seen:
        raise AssertionError(what)


def refused(kind, part, body):
    """The error of that class, with that part in its text."""
    try:
        seen = body()
    except kind as error:
        true(part in str(error), f"expected an error with {part!r}, saw {error}")
        return
    raise AssertionError(f"expected an error with {part!r}, saw {seen!r}")


def until(holds, what):
    """Waits for something that another connection brings about."""
    end = time.monotonic() + 30
    while not holds():
        true(time.monotonic() < end, f"{what}: never")
        time.sleep(0.01)


r = connect()


@check("connect: ping")
def _():
    equal(r.ping(), True)
    equal(r.echo("hello"), "hello")


@check("connect: databases are apart")
def _():
    five = connect(db=5)
    five.set("where", "five")
    equal(r.get("where"), None)
    equal(five.flushdb(), True)


@check("connect: names and what the server tells")
def _():
    named = connect(client_name="checks")
    equal(named.client_getname(), "checks")
    true("checks" in [c["name"] for c in named.client_list()], "the name is not in CLIENT LIST")
    true(named.info("server")["redis_version"].startswith("7.0."), "INFO names another version")
    true(int(named.config_get("databases")["databases"]) >= 16, "CONFIG GET databases")


@check("protocol: HELLO 2")
def _():
    said = r.execute_command("HELLO", 2)
    said = dict(zip(said[::2], said[1::2]))
    equal(said["proto"], 2)
    refused(redis.ResponseError, "NOPROTO", lambda: r.execute_command("HELLO", 9))


@check("protocol: bytes as they are")
def _():
    raw = connect(decode_responses=False)
    value = bytes(range(256)) * 5
    raw.set(b"\x00key\r\n", value)
    equal(raw.get(b"\x00key\r\n"), value)
    raw.set("large", b"x" * 3_000_000)
    equal(len(raw.get("large")), 3_000_000)


@check("access: a user made by ACL SETUSER")
def _():
    r.acl_setuser("reader", enabled=True, passwords=["+open sesame"], keys=["pub:*"], commands=["+get", "+set", "+ping"])
    his = connect(username="reader", password="open sesame")
    equal(his.set("pub:a", "1"), True)
    refused(redis.exceptions.NoPermissionError, "no permissions to access", lambda: his.get("private"))
    refused(redis.exceptions.NoPermissionError, "no permissions to run the 'del' command", lambda: his.delete("pub:a"))
    refused(redis.RedisError, "invalid username-password pair", lambda: connect(username="reader", password="wrong").ping())
    equal(r.acl_getuser("reader")["keys"], ["~pub:*"])
    equal(r.acl_deluser("reader"), 1)


@check("strings: set, get, count")
def _():
    equal(r.set("s", "hello"), True)
    equal(r.append("s", " world"), 11)
    equal(r.getrange("s", 6, -1), "world")
    equal(r.set("s", "x", nx=True), None)
    equal(r.set("s", "bye", get=True), "hello world")
    equal(r.incrby("n", 42), 42)
    equal(r.incrbyfloat("n", 0.5), 42.5)
    equal(r.mset({"m1": "1", "m2": "2"}), True)
    equal(r.mget("m1", "none", "m2"), ["1", None, "2"])
    equal(r.getdel("m1"), "1")
    equal(r.setbit("bits", 7, 1), 0)
    equal(r.bitcount("bits"), 1)


@check("hashes: fields")
def _():
    equal(r.hset("h", mapping={"a": 1, "b": 2}), 2)
    equal(r.hgetall("h"), {"a": "1", "b": "2"})
    equal(r.hincrby("h", "a", 5), 6)
    equal(r.hmget("h", "a", "none"), ["6", None])
    equal(r.hdel("h", "b"), 1)
    equal(r.hexists("h", "b"), False)


@check("lists: both ends")
def _():
    equal(r.rpush("l", "a", "b", "c"), 3)
    equal(r.lpush("l", "z"), 4)
    equal(r.lrange("l", 0, -1), ["z", "a", "b", "c"])
    equal(r.lpop("l", 2), ["z", "a"])
    equal(r.lmove("l", "l2", "LEFT", "RIGHT"), "b")
    equal(r.lpos("l", "c"), 0)


@check("blocking: a pop is served by another connection")
def _():
    got = []
    waiting = threading.Thread(target=lambda: got.append(connect().blpop(["queue", "other"], timeout=30)))
    waiting.start()
    until(lambda: r.info("clients")["blocked_clients"] == 1, "a blocked client")
    r.rpush("queue", "job")
    waiting.join()
    equal(got, [("queue", "job")])
    equal(r.blpop("queue", timeout=0.05), None)


@check("sets: algebra")
def _():
    equal(r.sadd("set", "a", "b", "c"), 3)
    equal(r.sadd("set2", "b", "c", "d"), 3)
    equal(r.sinter("set", "set2"), {"b", "c"})
    equal(r.sunionstore("set3", "set", "set2"), 4)
    equal(r.smismember("set", "a", "x"), [1, 0])
    equal(r.smove("set", "set2", "a"), True)


@check("sorted sets: ranks and scores")
def _():
    equal(r.zadd("z", {"one": 1, "two": 2, "more": 3.5}), 3)
    equal(r.zrange("z", 0, -1, withscores=True), [("one", 1.0), ("two", 2.0), ("more", 3.5)])
    equal(r.zincrby("z", 10, "one"), 11.0)
    equal(r.zrevrank("z", "one"), 0)
    equal(r.zrangebyscore("z", "(2", "+inf"), ["more", "one"])
    equal(r.zpopmin("z"), [("two", 2.0)])


@check("streams: a group of consumers")
def _():
    first, second = r.xadd("st", {"n": 1}), r.xadd("st", {"n": 2})
    equal(r.xgroup_create("st", "g", id="0"), True)
    equal(r.xreadgroup("g", "me", {"st": ">"}, count=1), [["st", [(first, {"n": "1"})]]])
    equal(r.xreadgroup("g", "you", {"st": ">"}), [["st", [(second, {"n": "2"})]]])
    equal(r.xpending("st", "g")["pending"], 2)
    equal(r.xack("st", "g", first), 1)
    equal(r.xclaim("st", "g", "me", 0, [second]), [(second, {"n": "2"})])
    equal(r.xinfo_groups("st")[0]["pending"], 1)
    equal(r.xrange("st", min=second), [(second, {"n": "2"})])
    refused(redis.ResponseError, "Consumer Group name already exists", lambda: r.xgroup_create("st", "g", id="0"))


@check("streams: a read that waits")
def _():
    got = []
    waiting = threading.Thread(target=lambda: got.append(connect().xread({"st2": "$"}, block=30000)))
    waiting.start()
    until(lambda: r.info("clients")["blocked_clients"] == 1, "a blocked client")
    new = r.xadd("st2", {"n": 3})
    waiting.join()
    equal(got, [[["st2", [(new, {"n": "3"})]]]])


@check("transactions: together")
def _():
    with r.pipeline(transaction=True) as p:
        equal(p.set("t", 1).incr("t").get("t").execute(), [True, 2, "2"])


@check("transactions: a conflict is seen")
def _():
    with r.pipeline() as p:
        p.watch("t")
        before = p.get("t")
        connect().set("t", "other")
        p.multi()
        p.set("t", before + "mine")
        refused(redis.WatchError, "Watched variable changed", p.execute)
    equal(r.get("t"), "other")


@check("transactions: tried again until it holds")
def _():
    r.set("t", 0)

    def raise_it(p):
        seen = int(p.get("t"))
        p.multi()
        p.set("t", seen + 1)

    threads = [threading.Thread(target=lambda: [connect().transaction(raise_it, "t") for _ in range(5)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(r.get("t"), "15")


@check("pipelines: many requests, errors in their places")
def _():
    with r.pipeline(transaction=False) as p:
        for i in range(2000):
            p.set(f"pipe:{i}", i)
        p.lpush("pipe:1", "x")
        p.get("pipe:1999")
        said = p.execute(raise_on_error=False)
    equal(said[:2000], [True] * 2000)
    true(isinstance(said[2000], redis.ResponseError) and "WRONGTYPE" in str(said[2000]), f"saw {said[2000]!r}")
    equal(said[2001], "1999")


@check("pubsub: channels and patterns")
def _():
    listener = connect().pubsub()
    listener.subscribe("news")
    listener.psubscribe("ne*")
    equal([listener.get_message(timeout=30)["type"] for _ in range(2)], ["subscribe", "psubscribe"])
    equal(r.publish("news", "hello"), 2)
    heard = [listener.get_message(timeout=30) for _ in range(2)]
    equal([(m["type"], m["channel"], m["data"]) for m in heard], [("message", "news", "hello"), ("pmessage", "news", "hello")])
    equal(r.pubsub_numsub("news"), [("news", 1)])
    listener.unsubscribe("news")
    equal(listener.get_message(timeout=30)["type"], "unsubscribe")
    listener.close()


@check("pubsub: what happens to keys")
def _():
    r.config_set("notify-keyspace-events", "KEA")
    listener = connect().pubsub(ignore_subscribe_messages=True)
    listener.psubscribe("__keyevent@0__:set")
    until(lambda: r.pubsub_numpat() == 1, "a subscriber")
    r.set("told", 1)
    heard = []
    until(lambda: heard.append(listener.get_message(timeout=1)) or heard[-1], "a notification")
    equal(heard[-1]["data"], "told")
    r.config_set("notify-keyspace-events", "")
    listener.close()


@check("scan: every key once")
def _():
    equal(len(set(r.scan_iter("pipe:*", count=100))), 2000)
    equal(sorted(r.scan_iter(_type="zset")), ["z"])


@check("scan: inside objects")
def _():
    r.hset("big", mapping={f"f{i}": i for i in range(1000)})
    equal(dict(r.hscan_iter("big")), {f"f{i}": str(i) for i in range(1000)})
    r.sadd("bigset", *range(1000))
    equal(len(set(r.sscan_iter("bigset", match="*7", count=50))), 100)
    r.zadd("bigz", {f"m{i}": i for i in range(1000)})
    equal(dict(r.zscan_iter("bigz"))["m999"], 999.0)


@check("expiry: runs, is taken back, comes")
def _():
    r.set("e", 1, ex=60)
    true(0 < r.pttl("e") <= 60000, f"saw {r.pttl('e')}")
    equal(r.persist("e"), True)
    equal(r.ttl("e"), -1)
    equal(r.expireat("e", 1), True)
    equal(r.exists("e"), 0)
    r.set("e", 1, px=1)
    until(lambda: r.get("e") is None, "the expiry")


@check("caching: told of a change on a second connection")
def _():
    listener = connect().pubsub(ignore_subscribe_messages=True)
    listener.subscribe("__redis__:invalidate")
    target = listener.connection
    until(lambda: r.pubsub_numsub("__redis__:invalidate")[0][1] == 1, "a subscriber")
    number = [c["id"] for c in r.client_list() if int(c["sub"]) == 1][0]
    true(target is not None, "no connection of its own")
    r.set("cached", 1)
    with connect(single_connection_client=True) as reader:
        equal(reader.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", number), "OK")
        equal(reader.get("cached"), "1")
        r.set("cached", 2)
        heard = []
        until(lambda: heard.append(listener.get_message(timeout=1)) or heard[-1], "an invalidation")
        equal(heard[-1]["data"], ["cached"])
    listener.close()


@check("errors: each in its class")
def _():
    refused(redis.ResponseError, "WRONGTYPE", lambda: r.lpush("s", "x"))
    refused(redis.ResponseError, "unknown command 'NOSUCH'", lambda: r.execute_command("NOSUCH", "a"))
    refused(redis.ResponseError, "wrong number of arguments for 'get' command", lambda: r.execute_command("GET"))
    refused(redis.ResponseError, "value is not an integer or out of range", lambda: r.incr("s"))


@check("cluster: refused politely")
def _():
    refused(redis.ResponseError, "cluster support disabled", lambda: r.execute_command("CLUSTER NODES"))
    equal(r.info("cluster")["cluster_enabled"], 0)
    refused(redis.exceptions.RedisClusterException, "Cluster mode is not enabled", lambda: redis.RedisCluster(host=HOST, port=PORT))


@check("history: AEVUM.* through the generic call")
def _():
    equal(r.execute_command("AEVUM.RETENTION", "forever"), "OK")
    r.set("doc", "one")
    version, value, kind, expiry, note = r.execute_command("AEVUM.GETV", "doc")
    equal((value, kind, expiry, note), ("one", "string", -1, []))
    next_version = r.execute_command("AEVUM.CAS", "doc", version, "two")
    true(next_version.startswith("v:"), f"saw {next_version!r}")
    equal(r.execute_command("AEVUM.CAS", "doc", version, "three"), None)
    with connect(single_connection_client=True) as past:
        equal(past.execute_command("AEVUM.ASOF", version), version)
        equal(past.get("doc"), "one")
    equal([e[1] for e in r.execute_command("AEVUM.HISTORY", "doc")], ["two", "one"])


@check("vectors: V commands through the generic call, bytes as bytes")
def _():
    raw = connect(decode_responses=False)
    pack = lambda *components: struct.pack(f"<{len(components)}f", *components)
    equal(raw.execute_command("VNEW", "near", 3, "METRIC", "cosine"), b"OK")
    with raw.pipeline(transaction=True) as together:
        together.execute_command("VADD", "near", "x", pack(1, 0, 0))
        together.execute_command("VADD", "near", "y", pack(0, 1, 0))
        together.set("with", "them")
        equal(together.execute(), [1, 1, True])
    for i in range(300):
        raw.execute_command("VADD", "near", f"p{i}", pack(1, i + 1, 1))
    found = raw.execute_command("VSEARCH", "near", pack(1, 0, 0), 1)
    equal(found, [b"x", b"0"])
    exact = raw.execute_command("VSEARCH", "near", pack(1, 7, 1), 10, "EXACT")
    equal(raw.execute_command("VSEARCH", "near", pack(1, 7, 1), 10, "EF", 400)[::2], exact[::2])
    equal(raw.execute_command("VGET", "near", "y"), pack(0, 1, 0))
    moment = raw.execute_command("VSEARCH", "near", pack(0, 1, 0), 1, "WITHVECTORS")
    equal((moment[0], moment[2]), (b"y", pack(0, 1, 0)))
    equal(raw.execute_command("VDEL", "near", "x"), 1)
    equal(raw.execute_command("VEXISTS", "near", "x"), 0)
    equal(dict(zip(*[iter(raw.execute_command("VINFO", "near"))] * 2)), {b"dim": 3, b"metric": b"cosine", b"count": 301})
    refused(redis.ResponseError, "wrong vector dimension: index expects 3, got 2", lambda: raw.execute_command("VADD", "near", "z", pack(1, 2)))
    refused(redis.ResponseError, "no such index", lambda: raw.execute_command("VSEARCH", "far", pack(1, 2, 3), 1))
    # One searches while another asks quick things: neither waits for the other's turn.
    answers = []
    searcher = threading.Thread(target=lambda: answers.extend(raw.execute_command("VSEARCH", "near", pack(1, i, 1), 5, "EXACT") for i in range(1, 40)))
    searcher.start()
    while searcher.is_alive():
        equal(r.ping(), True)
    equal(len(answers), 39)
    equal(raw.execute_command("VDROP", "near"), b"OK")


@check("restart: the pool connects again")
def _():
    keeps = connect(retry_on_error=[redis.ConnectionError], retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100))
    listener = keeps.pubsub()
    listener.subscribe("after")
    equal(listener.get_message(timeout=30)["type"], "subscribe")
    equal(keeps.set("before", 1), True)
    print("restart", flush=True)
    equal(sys.stdin.readline().strip(), "restarted")
    equal(keeps.set("after", 1), True)
    equal(keeps.get("before"), None)
    # A subscriber is told once; then it comes back with what it was subscribed to.
    refused(redis.ConnectionError, "Connection closed by server", lambda: listener.get_message(timeout=30))
    heard = []
    until(lambda: heard.append(listener.get_message(timeout=1)) or heard[-1], "the subscriber")
    equal(heard[-1]["type"], "subscribe")
    equal(keeps.publish("after", "hello"), 1)
    equal(listener.get_message(timeout=30)["data"], "hello")


failures = 0
for name, body in CHECKS:
    try:
        body()
        print(f"ok {name}", flush=True)
    except Exception as error:
        failures += 1
        print(f"failed {name}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
print(f"end {len(CHECKS)}", flush=True)
sys.exit(1 if failures else 0)
