// Runs the `bestow` binary for the pages: an issuer with settings of its own, and a wallet's page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { bestowBinary, run, runJson, temporaryFolder } from "../interop/bestow.mjs";

const START_TIMEOUT = 30_000;
const STOP_TIMEOUT = 5_000;
const POLL_INTERVAL = 50;

export const ISSUER_NAME = "Riverside University";
export const HELP_LINE = "+49 30 1234 5678";

/** How a type is set so that an applicant needs nobody else. */
export const SELF_SERVICE = { approval: "at-once", tx_code_channel: "screen" };

/** Who can sign in, and with what, where an issuer is started with `signIn`. */
export const ACCOUNT = { name: "ada", password: "correct horse battery" };

/** More than any test asks for: what a test is not about must not stop it. */
const GENEROUS = { pages_per_minute: 10_000, applications_per_hour: 1_000 };

/**
 * An issuer that is served until `stop`.
 *
 * `types` changes keys of the types' files, `portal` those of `[portal]`; with `signIn` our wallet may
 * send people to its pages, and there is one account. `edit` may change the rest of the folder.
 */
export async function startIssuer({
  path = "",
  types = {},
  portal = {},
  signIn = false,
  edit = async () => {},
} = {}) {
  const folder = await temporaryFolder();
  const port = await adjacentPorts();
  const url = `https://localhost:${port}${path}`;
  const state = join(folder, "issuer");
  const config = join(state, "bestow.toml");
  const ca = join(state, "tls", "ca.pem");
  await well(run("issuer", "init", state, "--url", url, "--name", ISSUER_NAME));
  await change(config, { help_line: HELP_LINE, ...GENEROUS, ...portal });
  for (const [id, values] of Object.entries(types)) {
    await change(join(state, "credentials", `${id}.toml`), values);
  }
  await edit(state);
  if (signIn) await makeAccount(state, config);
  const server = start("issuer", "serve", "--config", config);
  const applications = (...args) =>
    runJson("issuer", "applications", ...args, "--json", "--config", config);
  const admin = `http://localhost:${port + 1}`;
  await untilHealthy(server, admin);
  return {
    url,
    host: `localhost:${port}`,
    /** What a wallet needs to trust this issuer: its TLS, and what it signs. */
    trust: ["--ca", ca, "--trust-anchor", ca],
    ca,
    page: (name) => `${url}/${name}`,
    offer: (id, ...options) =>
      runJson("issuer", "offer", id, "--sample", "--json", ...options, "--config", config),
    applications: async (wanted) =>
      (await applications("list", "--state", wanted)).applications,
    decide: (verb, id) => applications(verb, id),
    deferred: (...args) => runJson("issuer", "deferred", ...args, "--json", "--config", config),
    administer: async (method, way) => {
      const key = (await readFile(join(state, "keys", "admin.key"), "utf8")).trim();
      return fetch(admin + way, { method, headers: { authorization: `Bearer ${key}` } });
    },
    stop: async () => {
      await end(server);
      await rm(folder, { recursive: true });
    },
  };
}

/** The page of a wallet, served until `stop`; the wallet has received `offers` before. */
export async function serveWallet(options = [], offers = []) {
  const folder = await temporaryFolder();
  const own = ["--store", join(folder, "store"), ...options];
  for (const { uri, tx_code: code } of offers) {
    const guarded = code ? ["--tx-code", code] : [];
    await well(run("wallet", "receive", uri, "--yes", ...guarded, ...own));
  }
  const server = start("wallet", "serve", ...own);
  const lines = createInterface({ input: server.child.stdout });
  const [url] = await Promise.race([once(lines, "line"), server.failed]);
  const { origin, hash } = new URL(url);
  return {
    url,
    origin,
    store: join(folder, "store"),
    token: new URLSearchParams(hash.slice(1)).get("token"),
    stop: async () => {
      await end(server);
      await rm(folder, { recursive: true });
    },
  };
}

const CLIENT = `client_id = "bestow"
name = "Bestow Wallet"
authentication = "none"
redirect_uris = ["http://127.0.0.1/cb"]
`;

async function makeAccount(state, config) {
  await mkdir(join(state, "clients"));
  await writeFile(join(state, "clients", "bestow.toml"), CLIENT);
  const args = ["issuer", "account", "add", ACCOUNT.name, "--sample", "student_card"];
  const stdio = ["pipe", "ignore", "inherit"];
  const child = spawn(bestowBinary(), [...args, "--config", config], { stdio });
  child.stdin.end(`${ACCOUNT.password}\n`);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`the account was not made: ${code}`);
}

async function well(command) {
  const { code, stdout, stderr } = await command;
  if (code !== 0) throw new Error(`bestow ended with ${code}\n${stdout}${stderr}`);
}

/** Sets keys that are in the file, whether they are commented out or not. */
async function change(file, values) {
  let text = await readFile(file, "utf8");
  for (const [key, value] of Object.entries(values)) {
    const line = new RegExp(`^#?${key} = .*$`, "m");
    if (!line.test(text)) throw new Error(`${file} has no ${key}`);
    text = text.replace(line, `${key} = ${JSON.stringify(value)}`);
  }
  await writeFile(file, text);
}

/** `failed` never resolves, and rejects when the process ends before it should. */
function start(...args) {
  const child = spawn(bestowBinary(), args, { stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  child.stdout.on("data", (chunk) => log.push(chunk));
  child.stderr.on("data", (chunk) => log.push(chunk));
  const failed = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`bestow ${args.join(" ")} ended with ${code}\n${Buffer.concat(log)}`));
    });
  });
  failed.catch(() => {}); // its end after `end` is wanted
  return { child, failed };
}

async function untilHealthy({ failed }, admin) {
  const deadline = Date.now() + START_TIMEOUT;
  const isHealthy = async () => (await fetch(`${admin}/healthz`).catch(() => null))?.ok;
  while (!(await Promise.race([isHealthy(), failed]))) {
    if (Date.now() > deadline) throw new Error("bestow issuer serve did not become healthy");
    await sleep(POLL_INTERVAL);
  }
}

async function end({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT);
  await ended;
  clearTimeout(late);
}

/** A free port whose successor is free too: the admin listener takes that one. */
async function adjacentPorts() {
  for (;;) {
    const first = await listen(0);
    const { port } = first.address();
    const second = await listen(port + 1).catch(() => null);
    first.close();
    second?.close();
    if (second) return port;
  }
}

async function listen(port) {
  const server = createServer().listen(port, "localhost");
  await once(server, "listening");
  return server;
}
