// ioredis against a server whose database is still being opened: commands wait in its queue. Prints "asking" when it has begun, and "served" when it was.
"use strict";

const Redis = require("ioredis");

const [, , host, port, password] = process.argv;
const r = new Redis({ host, port: Number(port), password });
const refusals = [];
r.on("error", (error) => refusals.push(error.message));
r.on("connect", () => console.log("asking"));

(async () => {
  await r.set("a", "1");
  if (await r.get("a") !== "1") throw new Error("what was stored is not there");
  if (refusals.length > 0) throw new Error(refusals.join(", "));
  console.log("served");
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
