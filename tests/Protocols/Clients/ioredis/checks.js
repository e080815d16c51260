// ioredis. How lines are read: ClientScript.cs. It speaks RESP3 unless told otherwise, so `r` does; `two` speaks RESP2.
"use strict";

const Redis = require("ioredis");
const { host, port, check, equal, ok, refused, until, restart, run } = require("../harness.js");

const open = [];

function connect(options = {}) {
  const client = new Redis({ host, port, retryStrategy: () => 50, ...options });
  // Where nobody listens ioredis prints them; what matters comes back with the command that failed.
  client.on("error", () => {});
  open.push(client);
  return client;
}

const r = connect();
const two = connect({ protocol: 2 });
const blockedClients = async () => Number(/blocked_clients:(\d+)/.exec(await r.info("clients"))[1]);

check("connect: ping", async () => {
  equal(await r.ping(), "PONG");
  equal(await r.echo("hello"), "hello");
});

check("connect: databases are apart", async () => {
  const five = connect({ db: 5 });
  await five.set("where", "five");
  equal(await r.get("where"), null);
  equal(await five.flushdb(), "OK");
  await five.quit();
});

check("connect: a name", async () => {
  const named = connect({ connectionName: "checks" });
  equal(await named.client("GETNAME"), "checks");
  ok((await r.client("LIST")).includes("name=checks "), "the name is not in CLIENT LIST");
  await named.quit();
});

check("protocol: RESP2", async () => {
  const said = await two.call("CLIENT", "INFO");
  ok(said.includes(" resp=2") || !said.includes(" resp="), said);
  equal(await two.hset("proto", "f", "v"), 1);
  equal(await two.call("HGETALL", "proto"), ["f", "v"]);
  equal(await two.zadd("protoz", 1.5, "m"), 1);
  equal(await two.zscore("protoz", "m"), "1.5");
});

check("protocol: RESP3", async () => {
  const three = connect({ replyMapping: "resp3" });
  const said = await three.call("HELLO", "3");
  equal(said.proto, 3);
  equal(said.role, "master");
  equal(await three.zscore("protoz", "m"), 1.5);
  equal(await three.config("GET", "databases"), { databases: "16" });
  await refused("NOPROTO", three.call("HELLO", "9"));
  await three.quit();
});

check("protocol: bytes as they are", async () => {
  const value = Buffer.from(Array.from({ length: 1280 }, (_, i) => i % 256));
  await r.set(Buffer.from("\0key\r\n"), value);
  equal(await r.getBuffer(Buffer.from("\0key\r\n")), value);
  await r.set("large", Buffer.alloc(3_000_000, "x"));
  equal((await r.getBuffer("large")).length, 3_000_000);
});

check("access: a user made by ACL SETUSER", async () => {
  equal(await r.acl("SETUSER", "reader", "on", ">open sesame", "~pub:*", "+get", "+set", "+ping", "+hello"), "OK");
  const his = connect({ username: "reader", password: "open sesame", enableReadyCheck: false });
  equal(await his.set("pub:a", "1"), "OK");
  await refused("NOPERM", his.get("private"));
  await refused("NOPERM", his.del("pub:a"));
  const later = connect();
  await refused("WRONGPASS", later.auth("reader", "wrong"));
  equal(await later.auth("reader", "open sesame"), "OK");
  await refused("NOPERM", later.get("private"));
  his.disconnect();
  later.disconnect();
  equal(await r.acl("DELUSER", "reader"), 1);
});

check("strings: set, get, count", async () => {
  equal(await r.set("s", "hello"), "OK");
  equal(await r.append("s", " world"), 11);
  equal(await r.getrange("s", 6, -1), "world");
  equal(await r.set("s", "x", "NX"), null);
  equal(await r.set("s", "bye", "GET"), "hello world");
  equal(await r.incrby("n", 42), 42);
  equal(await r.incrbyfloat("n", 0.5), "42.5");
  equal(await r.mset({ m1: "1", m2: "2" }), "OK");
  equal(await r.mget("m1", "none", "m2"), ["1", null, "2"]);
});

check("hashes: fields", async () => {
  equal(await r.hset("h", { a: 1, b: 2 }), 2);
  equal(await r.hgetall("h"), { a: "1", b: "2" });
  equal(await two.hgetall("h"), { a: "1", b: "2" });
  equal(await r.hincrby("h", "a", 5), 6);
  equal(await r.hmget("h", "a", "none"), ["6", null]);
  equal(await r.hdel("h", "b"), 1);
});

check("lists: both ends", async () => {
  equal(await r.rpush("l", "a", "b", "c"), 3);
  equal(await r.lpush("l", "z"), 4);
  equal(await r.lrange("l", 0, -1), ["z", "a", "b", "c"]);
  equal(await r.lpop("l", 2), ["z", "a"]);
  equal(await r.lmove("l", "l2", "LEFT", "RIGHT"), "b");
});

check("blocking: a pop is served by another connection", async () => {
  const waits = connect();
  const got = waits.blpop("queue", "other", 30);
  await until(async () => (await blockedClients()) === 1, "a blocked client");
  equal(await r.rpush("queue", "job"), 1);
  equal(await got, ["queue", "job"]);
  equal(await waits.blpop("queue", 0.05), null);
  await waits.quit();
});

check("sets: algebra", async () => {
  equal(await r.sadd("set", "a", "b", "c"), 3);
  equal(await r.sadd("set2", "b", "c", "d"), 3);
  equal((await r.sinter("set", "set2")).sort(), ["b", "c"]);
  equal((await two.smembers("set")).sort(), ["a", "b", "c"]);
  equal(await r.sunionstore("set3", "set", "set2"), 4);
  equal(await r.smismember("set", "a", "x"), [1, 0]);
});

check("sorted sets: ranks and scores", async () => {
  equal(await r.zadd("z", 1, "one", 2, "two", 3.5, "more"), 3);
  equal(await r.zrange("z", 0, -1, "WITHSCORES"), ["one", "1", "two", "2", "more", "3.5"]);
  equal(await two.zrange("z", 0, -1, "WITHSCORES"), ["one", "1", "two", "2", "more", "3.5"]);
  equal(await r.zincrby("z", 10, "one"), "11");
  equal(await r.zrevrank("z", "one"), 0);
  equal(await r.zrangebyscore("z", "(2", "+inf"), ["more", "one"]);
  equal(await r.zpopmin("z"), ["two", "2"]);
});

check("streams: a group of consumers", async () => {
  const first = await r.xadd("st", "*", "n", "1");
  const second = await r.xadd("st", "*", "n", "2");
  equal(await r.xgroup("CREATE", "st", "g", "0"), "OK");
  equal(await two.xreadgroup("GROUP", "g", "me", "COUNT", 1, "STREAMS", "st", ">"), [["st", [[first, ["n", "1"]]]]]);
  equal(await two.xreadgroup("GROUP", "g", "you", "STREAMS", "st", ">"), [["st", [[second, ["n", "2"]]]]]);
  equal((await r.xpending("st", "g"))[0], 2);
  equal(await r.xack("st", "g", first), 1);
  equal(await r.xclaim("st", "g", "me", 0, second), [[second, ["n", "2"]]]);
  equal(await r.xrange("st", "-", "+"), [[first, ["n", "1"]], [second, ["n", "2"]]]);
  await refused("BUSYGROUP", r.xgroup("CREATE", "st", "g", "0"));
});

check("streams: a read that waits", async () => {
  const waits = connect({ protocol: 2 });
  const got = waits.xread("BLOCK", 30_000, "STREAMS", "st2", "$");
  await until(async () => (await blockedClients()) === 1, "a blocked client");
  const id = await r.xadd("st2", "*", "n", "3");
  equal(await got, [["st2", [[id, ["n", "3"]]]]]);
  await waits.quit();
});

check("transactions: together", async () => {
  equal(await r.multi().set("t", 1).incr("t").get("t").exec(), [[null, "OK"], [null, 2], [null, "2"]]);
  await refused("EXECABORT", r.multi().set("t", 7).call("NOSUCH").exec());
  equal(await r.get("t"), "2");
});

check("transactions: a conflict is seen", async () => {
  const watches = connect();
  equal(await watches.watch("t"), "OK");
  equal(await r.set("t", "other"), "OK");
  equal(await watches.multi().set("t", "mine").exec(), null);
  equal(await watches.get("t"), "other");
  await watches.quit();
});

check("pipelines: many requests, errors in their places", async () => {
  const pipeline = r.pipeline();
  for (let i = 0; i < 2000; i++) pipeline.set(`pipe:${i}`, i);
  const said = await pipeline.lpush("pipe:1", "x").get("pipe:1999").exec();
  equal(said.slice(0, 2000).every(([error, reply]) => error === null && reply === "OK"), true);
  ok(said[2000][0].message.includes("WRONGTYPE"), "no WRONGTYPE");
  equal(said[2001], [null, "1999"]);
});

check("pipelines: made by the client itself", async () => {
  const auto = connect({ enableAutoPipelining: true });
  equal(await Promise.all(Array.from({ length: 500 }, (_, i) => auto.get(`pipe:${i}`))), Array.from({ length: 500 }, (_, i) => String(i)));
  await auto.quit();
});

for (const protocol of [2, 3]) {
  check(`pubsub: channels and patterns in RESP${protocol}`, async () => {
    const listener = connect({ protocol });
    const heard = [];
    listener.on("message", (channel, text) => heard.push(["message", channel, text]));
    listener.on("pmessage", (pattern, channel, text) => heard.push(["pmessage", pattern, channel, text]));
    equal(await listener.subscribe("news", "more"), 2);
    equal(await listener.psubscribe("ne*"), 3);
    equal(await r.publish("news", "hello"), 2);
    await until(() => heard.length === 2, "two messages");
    equal(heard, [["message", "news", "hello"], ["pmessage", "ne*", "news", "hello"]]);
    equal(await listener.unsubscribe("news"), 2);
    equal(await r.publish("news", "again"), 1);
    if (protocol === 3) equal(await listener.get("pipe:7"), "7");
    listener.disconnect();
  });
}

check("pubsub: sharded", async () => {
  const listener = connect();
  const heard = [];
  listener.on("smessage", (channel, text) => heard.push([channel, text]));
  equal(await listener.ssubscribe("part"), 1);
  equal(await r.spublish("part", "hello"), 1);
  await until(() => heard.length === 1, "a message");
  equal(heard, [["part", "hello"]]);
  listener.disconnect();
});

check("scan: every key once", async () => {
  const seen = new Set();
  for await (const keys of r.scanStream({ match: "pipe:*", count: 100 })) for (const key of keys) seen.add(key);
  equal(seen.size, 2000);
});

check("scan: inside objects", async () => {
  await r.hset("big", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i])));
  const seen = new Map();
  for await (const part of r.hscanStream("big")) for (let i = 0; i < part.length; i += 2) seen.set(part[i], part[i + 1]);
  equal(seen.size, 1000);
  equal(seen.get("f999"), "999");
  await r.zadd("bigz", ...Array.from({ length: 1000 }, (_, i) => [i, `m${i}`]).flat());
  const members = new Set();
  for await (const part of r.zscanStream("bigz", { match: "*7" })) for (let i = 0; i < part.length; i += 2) members.add(part[i]);
  equal(members.size, 100);
});

check("expiry: runs, is taken back, comes", async () => {
  equal(await r.set("e", "1", "EX", 60), "OK");
  const left = await r.pttl("e");
  ok(left > 0 && left <= 60_000, `saw ${left}`);
  equal(await r.persist("e"), 1);
  equal(await r.ttl("e"), -1);
  await r.set("e", "1", "PX", 1);
  await until(async () => (await r.get("e")) === null, "the expiry");
});

check("caching: told of a change on a second connection", async () => {
  const listener = connect({ protocol: 2 });
  const heard = [];
  const number = await listener.client("ID");
  listener.on("message", (channel, keys) => heard.push([channel, keys]));
  await listener.subscribe("__redis__:invalidate");
  const reader = connect({ protocol: 2 });
  await r.set("cached", 1);
  equal(await reader.client("TRACKING", "ON", "REDIRECT", number), "OK");
  equal(await reader.get("cached"), "1");
  equal(await r.set("cached", 2), "OK");
  await until(() => heard.length === 1, "an invalidation");
  equal(heard.map(([channel, keys]) => [channel, String(keys)]), [["__redis__:invalidate", "cached"]]);
  listener.disconnect();
  await reader.quit();
});

check("errors: the server's words", async () => {
  await refused("WRONGTYPE Operation against a key holding the wrong kind of value", r.lpush("s", "x"));
  await refused("ERR unknown command 'NOSUCH'", r.call("NOSUCH", "a"));
  await refused("ERR wrong number of arguments for 'get' command", r.call("GET"));
  await refused("ERR value is not an integer or out of range", r.incr("s"));
});

check("cluster: refused politely", async () => {
  await refused("ERR This instance has cluster support disabled", r.cluster("SLOTS"));
  const cluster = new Redis.Cluster([{ host, port }], { clusterRetryStrategy: () => null, lazyConnect: true });
  cluster.on("error", () => {});
  await refused("", cluster.connect());
  cluster.disconnect();
});

check("history: AEVUM.* through the generic call", async () => {
  equal(await r.call("AEVUM.RETENTION", "forever"), "OK");
  await r.set("doc", "one");
  const [version, value, kind, expiry] = await r.call("AEVUM.GETV", "doc");
  equal([value, kind, expiry], ["one", "string", -1]);
  ok((await r.call("AEVUM.CAS", "doc", version, "two")).startsWith("v:"), "no version");
  equal(await r.call("AEVUM.CAS", "doc", version, "three"), null);
  const past = connect();
  equal(await past.call("AEVUM.ASOF", version), version);
  equal(await past.get("doc"), "one");
  await past.quit();
  equal((await r.call("AEVUM.HISTORY", "doc")).map((entry) => entry[1]), ["two", "one"]);
});

check("vectors: V commands through the generic call, bytes as bytes", async () => {
  const pack = (...components) => Buffer.from(Float32Array.from(components).buffer);
  equal(await r.call("VNEW", "near", "2", "METRIC", "l2"), "OK");
  equal(await r.call("VADD", "near", "a", pack(0, 0)), 1);
  equal(await r.call("VADD", "near", "b", pack(3, 4)), 1);
  equal(await r.call("VSEARCH", "near", pack(0, 0), "5"), ["a", "0", "b", "5"]);
  equal(Buffer.compare(await r.callBuffer("VGET", "near", "b"), pack(3, 4)), 0);
  equal(await r.call("VDEL", "near", "a"), 1);
  equal(await r.call("VSEARCH", "near", pack(0, 0), "5"), ["b", "5"]);
  await refused("wrong vector dimension: index expects 2, got 1", r.call("VADD", "near", "c", pack(1)));
  equal(await r.call("VDROP", "near"), "OK");
});

check("restart: connects again by itself", async () => {
  const listener = connect();
  const heard = [];
  listener.on("message", (channel, text) => heard.push(text));
  await listener.subscribe("after");
  equal(await r.set("before", 1), "OK");
  await restart();
  equal(await r.set("after", 1), "OK");
  equal(await r.get("before"), null);
  await until(async () => (await r.publish("after", "hello")) === 1, "the subscriber");
  await until(() => heard.length > 0, "a message");
  equal(heard[0], "hello");
  for (const client of open) client.disconnect();
});

run();
