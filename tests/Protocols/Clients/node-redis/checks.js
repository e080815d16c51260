// node-redis. How lines are read: ClientScript.cs. It keeps a cache of its own when it is told to (RESP3).
"use strict";

const { createClient, WatchError } = require("redis");
const { host, port, check, equal, ok, refused, until, restart, run } = require("../harness.js");

async function connect(options = {}) {
  const client = createClient({ RESP: 3, socket: { host, port, reconnectStrategy: () => 50 }, ...options });
  // Without a listener an error ends the process; what matters comes back with the command that failed.
  client.on("error", () => {});
  await client.connect();
  return client;
}

let r, two;
const blockedClients = async () => Number(/blocked_clients:(\d+)/.exec(await r.info("clients"))[1]);
const plain = (map) => ({ ...map });

check("connect: in both protocols", async () => {
  r = await connect();
  two = await connect({ RESP: 2 });
  equal(await r.ping(), "PONG");
  equal(await two.echo("hello"), "hello");
});

check("connect: databases are apart", async () => {
  const five = await connect({ database: 5, name: "checks" });
  await five.set("where", "five");
  equal(await r.get("where"), null);
  equal(await five.clientGetName(), "checks");
  equal(await five.flushDb(), "OK");
  await five.close();
});

check("connect: a pool", async () => {
  const { createClientPool } = require("redis");
  const pool = await createClientPool({ RESP: 3, socket: { host, port } }).connect();
  equal(await Promise.all(Array.from({ length: 20 }, (_, i) => pool.echo(String(i)))), Array.from({ length: 20 }, (_, i) => String(i)));
  await pool.close();
});

check("protocol: RESP3 and RESP2", async () => {
  await r.hSet("proto", "f", "v");
  await r.zAdd("protoz", { score: 1.5, value: "m" });
  equal((await r.hello(3)).proto, 3);
  equal(plain(await r.sendCommand(["HGETALL", "proto"])), { f: "v" });
  equal(await r.sendCommand(["ZSCORE", "protoz", "m"]), 1.5);
  equal(await two.sendCommand(["HGETALL", "proto"]), ["f", "v"]);
  equal(await two.sendCommand(["ZSCORE", "protoz", "m"]), "1.5");
  await refused("NOPROTO", two.sendCommand(["HELLO", "9"]));
});

check("protocol: bytes as they are", async () => {
  const { RESP_TYPES } = require("redis");
  const raw = r.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const value = Buffer.from(Array.from({ length: 1280 }, (_, i) => i % 256));
  await r.set(Buffer.from("\0key\r\n"), value);
  equal(await raw.get(Buffer.from("\0key\r\n")), value);
  await r.set("large", Buffer.alloc(3_000_000, "x"));
  equal((await raw.get("large")).length, 3_000_000);
});

check("access: a user made by ACL SETUSER", async () => {
  equal(await r.aclSetUser("reader", ["on", ">open sesame", "~pub:*", "+get", "+set", "+ping", "+hello", "+client"]), "OK");
  const his = await connect({ username: "reader", password: "open sesame" });
  equal(await his.set("pub:a", "1"), "OK");
  await refused("NOPERM", his.get("private"));
  await refused("NOPERM", his.del("pub:a"));
  his.destroy();
  const wrong = createClient({ username: "reader", password: "wrong", socket: { host, port, reconnectStrategy: false } });
  wrong.on("error", () => {});
  await refused("WRONGPASS", wrong.connect());
  const later = await connect();
  equal(await later.auth({ username: "reader", password: "open sesame" }), "OK");
  await refused("NOPERM", later.get("private"));
  later.destroy();
  equal(await r.aclDelUser("reader"), 1);
});

check("strings: set, get, count", async () => {
  equal(await r.set("s", "hello"), "OK");
  equal(await r.append("s", " world"), 11);
  equal(await r.getRange("s", 6, -1), "world");
  equal(await r.set("s", "x", { condition: "NX" }), null);
  equal(await r.set("s", "bye", { GET: true }), "hello world");
  equal(await r.incrBy("n", 42), 42);
  equal(await r.incrByFloat("n", 0.5), "42.5");
  equal(await r.mSet({ m1: "1", m2: "2" }), "OK");
  equal(await r.mGet(["m1", "none", "m2"]), ["1", null, "2"]);
});

check("hashes: fields", async () => {
  equal(await r.hSet("h", { a: 1, b: 2 }), 2);
  equal(plain(await r.hGetAll("h")), { a: "1", b: "2" });
  equal(plain(await two.hGetAll("h")), { a: "1", b: "2" });
  equal(await r.hIncrBy("h", "a", 5), 6);
  equal(await r.hmGet("h", ["a", "none"]), ["6", null]);
  equal(await r.hDel("h", "b"), 1);
});

check("lists: both ends", async () => {
  equal(await r.rPush("l", ["a", "b", "c"]), 3);
  equal(await r.lPush("l", "z"), 4);
  equal(await r.lRange("l", 0, -1), ["z", "a", "b", "c"]);
  equal(await r.lPopCount("l", 2), ["z", "a"]);
  equal(await r.lMove("l", "l2", "LEFT", "RIGHT"), "b");
});

check("blocking: a pop is served by another connection", async () => {
  const waits = await connect();
  const got = waits.blPop(["queue", "other"], 30);
  await until(async () => (await blockedClients()) === 1, "a blocked client");
  equal(await r.rPush("queue", "job"), 1);
  equal(plain(await got), { key: "queue", element: "job" });
  equal(await waits.blPop("queue", 0.05), null);
  await waits.close();
});

check("sets: algebra", async () => {
  equal(await r.sAdd("set", ["a", "b", "c"]), 3);
  equal(await r.sAdd("set2", ["b", "c", "d"]), 3);
  equal((await r.sInter(["set", "set2"])).sort(), ["b", "c"]);
  equal((await two.sMembers("set")).sort(), ["a", "b", "c"]);
  equal(await r.sUnionStore("set3", ["set", "set2"]), 4);
});

for (const protocol of [2, 3]) {
  check(`sorted sets: ranks and scores in RESP${protocol}`, async () => {
    const c = protocol === 2 ? two : r;
    const key = `z${protocol}`;
    equal(await c.zAdd(key, [{ score: 1, value: "one" }, { score: 2, value: "two" }, { score: 3.5, value: "more" }]), 3);
    equal((await c.zRangeWithScores(key, 0, -1)).map(plain), [{ value: "one", score: 1 }, { value: "two", score: 2 }, { value: "more", score: 3.5 }]);
    equal(await c.zIncrBy(key, 10, "one"), 11);
    equal(await c.zRevRank(key, "one"), 0);
    equal(await c.zRangeByScore(key, "(2", "+inf"), ["more", "one"]);
    equal(plain(await c.zPopMin(key)), { value: "two", score: 2 });
    equal(await c.zAdd(key, { score: Infinity, value: "far" }), 1);
    equal(await c.zScore(key, "far"), Infinity);
  });

  check(`streams: a group of consumers in RESP${protocol}`, async () => {
    const c = protocol === 2 ? two : r;
    const key = `st${protocol}`;
    const ids = async (consumer, count) => {
      const said = await c.sendCommand(["XREADGROUP", "GROUP", "g", consumer, "COUNT", String(count), "STREAMS", key, ">"]);
      return (protocol === 2 ? said[0][1] : said[key]).map((entry) => entry[0]);
    };
    const first = await c.xAdd(key, "*", { n: "1" });
    const second = await c.xAdd(key, "*", { n: "2" });
    equal(await c.xGroupCreate(key, "g", "0"), "OK");
    equal(await ids("me", 1), [first]);
    equal(await ids("you", 10), [second]);
    equal((await c.xPending(key, "g")).pending, 2);
    equal(await c.xAck(key, "g", first), 1);
    equal((await c.xRange(key, "-", "+")).map((entry) => [entry.id, plain(entry.message)]), [[first, { n: "1" }], [second, { n: "2" }]]);
    equal((await c.xInfoGroups(key))[0].pending, 1);
    equal((await c.xAutoClaim(key, "g", "me", 0, "0")).messages.map((entry) => entry.id), [second]);
    await refused("BUSYGROUP", c.xGroupCreate(key, "g", "0"));
  });
}

check("transactions: together", async () => {
  equal(await r.multi().set("t", 1).incr("t").get("t").exec(), ["OK", 2, "2"]);
  await refused("", r.multi().set("t", 7).addCommand(["NOSUCH"]).exec());
  equal(await r.get("t"), "2");
});

check("transactions: a conflict is seen", async () => {
  const watches = await connect();
  equal(await watches.watch("t"), "OK");
  equal(await r.set("t", "other"), "OK");
  let seen;
  try {
    seen = await watches.multi().set("t", "mine").exec();
  } catch (error) {
    seen = error;
  }
  ok(seen instanceof WatchError, `saw ${seen}`);
  equal(await watches.get("t"), "other");
  await watches.close();
});

check("pipelines: many requests, errors in their places", async () => {
  const said = await Promise.allSettled([
    ...Array.from({ length: 2000 }, (_, i) => r.set(`pipe:${i}`, String(i))), r.lPush("pipe:1", "x"), r.get("pipe:1999"),
  ]);
  equal(said.slice(0, 2000).every((one) => one.value === "OK"), true);
  ok(said[2000].reason.message.includes("WRONGTYPE"), "no WRONGTYPE");
  equal(said[2001].value, "1999");
});

for (const protocol of [2, 3]) {
  check(`pubsub: channels and patterns in RESP${protocol}`, async () => {
    const listener = await connect({ RESP: protocol });
    const heard = [];
    await listener.subscribe("news", (text, channel) => heard.push(["message", channel, text]));
    await listener.pSubscribe("ne*", (text, channel) => heard.push(["pmessage", channel, text]));
    equal(await r.publish("news", "hello"), 2);
    await until(() => heard.length === 2, "two messages");
    equal(heard, [["message", "news", "hello"], ["pmessage", "news", "hello"]]);
    equal(plain(await r.pubSubNumSub("news")), { news: 1 });
    await listener.unsubscribe("news");
    equal(await r.publish("news", "again"), 1);
    listener.destroy();
  });
}

check("scan: every key once", async () => {
  const seen = new Set();
  for await (const keys of r.scanIterator({ MATCH: "pipe:*", COUNT: 100 })) for (const key of keys) seen.add(key);
  equal(seen.size, 2000);
});

check("scan: inside objects", async () => {
  await r.hSet("big", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i])));
  const seen = new Map();
  for await (const part of r.hScanIterator("big")) for (const { field, value } of part) seen.set(field, value);
  equal(seen.size, 1000);
  equal(seen.get("f999"), "999");
  await r.zAdd("bigz", Array.from({ length: 1000 }, (_, i) => ({ score: i, value: `m${i}` })));
  const scores = new Map();
  for await (const part of r.zScanIterator("bigz")) for (const { value, score } of part) scores.set(value, score);
  equal(scores.size, 1000);
  equal(scores.get("m999"), 999);
});

check("expiry: runs, is taken back, comes", async () => {
  equal(await r.set("e", "1", { expiration: { type: "EX", value: 60 } }), "OK");
  const left = await r.pTTL("e");
  ok(left > 0 && left <= 60_000, `saw ${left}`);
  equal(await r.persist("e"), 1);
  equal(await r.ttl("e"), -1);
  await r.set("e", "1", { expiration: { type: "PX", value: 1 } });
  await until(async () => (await r.get("e")) === null, "the expiry");
});

check("caching: the client's own cache", async () => {
  const caches = await connect({ clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" } });
  const invalidated = [];
  caches.clientSideCache.on("invalidate", (key) => invalidated.push(String(key)));
  await r.set("cached", "1");
  equal(await caches.get("cached"), "1");
  const asked = await r.info("commandstats");
  equal(await caches.get("cached"), "1");
  const gets = (text) => /cmdstat_get:calls=(\d+)/.exec(text)[1];
  equal(gets(await r.info("commandstats")), gets(asked));
  await r.set("cached", "2");
  await until(() => invalidated.includes("cached"), "an invalidation");
  equal(await caches.get("cached"), "2");
  await caches.close();
});

check("errors: the server's words", async () => {
  await refused("WRONGTYPE Operation against a key holding the wrong kind of value", r.lPush("s", "x"));
  await refused("ERR unknown command 'NOSUCH'", r.sendCommand(["NOSUCH", "a"]));
  await refused("ERR wrong number of arguments for 'get' command", r.sendCommand(["GET"]));
  await refused("ERR value is not an integer or out of range", r.incr("s"));
});

check("cluster: refused politely", async () => {
  await refused("ERR This instance has cluster support disabled", r.sendCommand(["CLUSTER", "SLOTS"]));
  const { createCluster } = require("redis");
  const cluster = createCluster({ rootNodes: [{ socket: { host, port, reconnectStrategy: false } }] });
  cluster.on("error", () => {});
  await refused("", cluster.connect());
});

check("history: AEVUM.* through the generic call", async () => {
  equal(await r.sendCommand(["AEVUM.RETENTION", "forever"]), "OK");
  await r.set("doc", "one");
  const [version, value, kind, expiry] = await r.sendCommand(["AEVUM.GETV", "doc"]);
  equal([value, kind, expiry], ["one", "string", -1]);
  ok((await r.sendCommand(["AEVUM.CAS", "doc", version, "two"])).startsWith("v:"), "no version");
  equal(await r.sendCommand(["AEVUM.CAS", "doc", version, "three"]), null);
  const past = await connect();
  equal(await past.sendCommand(["AEVUM.ASOF", version]), version);
  equal(await past.get("doc"), "one");
  await past.close();
  equal((await r.sendCommand(["AEVUM.HISTORY", "doc"])).map((entry) => entry[1]), ["two", "one"]);
});

check("vectors: V commands through the generic call, bytes as bytes", async () => {
  const pack = (...components) => Buffer.from(Float32Array.from(components).buffer);
  equal(await r.sendCommand(["VNEW", "near", "2", "METRIC", "l2"]), "OK");
  equal(await r.sendCommand(["VADD", "near", "a", pack(0, 0)]), 1);
  equal(await r.sendCommand(["VADD", "near", "b", pack(3, 4)]), 1);
  equal(await r.sendCommand(["VSEARCH", "near", pack(0, 0), "5"]), ["a", "0", "b", "5"]);
  equal(await r.sendCommand(["VDEL", "near", "a"]), 1);
  equal(await r.sendCommand(["VSEARCH", "near", pack(0, 0), "5"]), ["b", "5"]);
  await refused("wrong vector dimension: index expects 2, got 1", r.sendCommand(["VADD", "near", "c", pack(1)]));
  equal(await r.sendCommand(["VDROP", "near"]), "OK");
});

check("restart: connects again by itself", async () => {
  const listener = await connect();
  const heard = [];
  await listener.subscribe("after", (text) => heard.push(text));
  equal(await r.set("before", "1"), "OK");
  await restart();
  equal(await r.set("after", "1"), "OK");
  equal(await r.get("before"), null);
  await until(async () => (await r.publish("after", "hello")) === 1, "the subscriber");
  await until(() => heard.length > 0, "a message");
  equal(heard[0], "hello");
  listener.destroy();
  r.destroy();
  two.destroy();
});

run();
