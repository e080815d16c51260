// What the scripts of the clients in JavaScript share: a list of checks, run one after the other. How lines are read: ClientScript.cs.
"use strict";

const assert = require("node:assert/strict");
const readline = require("node:readline");

const host = process.argv[2];
const port = Number(process.argv[3]);
const checks = [];

const check = (name, body) => checks.push({ name, body });

const equal = (seen, expected) => assert.deepEqual(seen, expected);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The error, with that part in its text. */
async function refused(part, reply) {
  let seen;
  try {
    seen = await reply;
  } catch (error) {
    assert.ok(String(error.message).includes(part), `expected an error with '${part}', saw ${error.message}`);
    return;
  }
  assert.fail(`expected an error with '${part}', saw ${JSON.stringify(seen)}`);
}

/** Waits for something that another connection brings about. */
async function until(holds, what) {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what}: never`);
    await pause(10);
  }
}

/** Asks for another server process at the same address. */
async function restart() {
  const lines = readline.createInterface({ input: process.stdin });
  console.log("restart");
  const [said] = await new Promise((resolve) => lines.once("line", (...line) => resolve(line)));
  lines.close();
  equal(said, "restarted");
}

async function run() {
  let failures = 0;
  for (const { name, body } of checks) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no end after 60 s")), 60_000); });
    try {
      await Promise.race([body(), late]);
      console.log(`ok ${name}`);
    } catch (error) {
      failures++;
      console.log(`failed ${name}: ${String(error.message).replaceAll("\n", " ")} ${String(error.stack).match(/checks\.js:\d+/)?.[0] ?? ""}`);
    } finally {
      clearTimeout(timer);
    }
  }
  console.log(`end ${checks.length}`);
  // Connections that a failed check left open must not keep the process.
  process.exit(failures === 0 ? 0 : 1);
}

module.exports = { host, port, check, equal, ok: assert.ok, pause, refused, until, restart, run };
