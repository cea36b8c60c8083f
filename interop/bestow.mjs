// Runs the `bestow` binary: an issuer that lives as long as a test file, and single commands.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_TIMEOUT = 30_000;
const STOP_TIMEOUT = 5_000;
const COMMAND_TIMEOUT = 60_000;
const POLL_INTERVAL = 50;

/** The binary under test; a missing one is a failure, never a silent skip. */
export function bestowBinary() {
  const binary = process.env.BESTOW_BIN;
  if (!binary) {
    throw new Error(
      "BESTOW_BIN is not set: run `cargo build -p bestow`, then set it to ../target/debug/bestow",
    );
  }
  return resolve(binary);
}

/** A folder that is gone when the test file has ended, however that was. */
export async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), "bestow-interop-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs one command to its end; never rejects because of an exit code. */
export function run(...args) {
  return new Promise((done) => {
    const options = { timeout: COMMAND_TIMEOUT, env: { ...process.env, NO_COLOR: "1" } };
    execFile(bestowBinary(), args, options, (error, stdout, stderr) => {
      done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}

/** Runs a command that must succeed and reads the one JSON value that it prints. */
export async function runJson(...args) {
  return JSON.parse(await runWell(...args));
}

/**
 * Creates an issuer in a new folder and serves it until `stop`. `settings` are written into its
 * configuration, `files` beside it, `clients` into their folder; `edit` may change the rest.
 */
export async function startIssuer({
  path = "",
  settings = {},
  files = {},
  clients = {},
  edit = async () => {},
} = {}) {
  const folder = await temporaryFolder();
  const port = await adjacentPorts();
  const url = `https://localhost:${port}${path}`;
  const state = join(folder, "issuer");
  const config = join(state, "bestow.toml");
  const own = ["--config", config];
  await runWell("issuer", "init", state, "--url", url, "--name", "Riverside University");
  for (const [name, text] of Object.entries(clients)) {
    await mkdir(join(state, "clients"), { recursive: true });
    await writeFile(join(state, "clients", `${name}.toml`), text);
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(state, name), text);
  await writeFile(config, changed(await readFile(config, "utf8"), settings));
  await edit(state);
  const server = await serve(config, port + 1);
  const adminKey = (await readFile(join(state, "keys", "admin.key"), "utf8")).trim();
  return {
    url,
    caPem: await readFile(join(state, "tls", "ca.pem"), "utf8"),
    offer: (configurationId, ...options) =>
      runJson("issuer", "offer", configurationId, "--sample", "--json", ...own, ...options),
    setStatus: (verb, offerId, ...options) =>
      runJson("issuer", verb, offerId, "--json", ...own, ...options),
    account: (name, password, configurationId) =>
      runWithInput(password, "issuer", "account", "add", name, "--sample", configurationId, ...own),
    deferred: (verb, ...more) => runJson("issuer", "deferred", verb, ...more, "--json", ...own),
    /** What operators see of an offer. */
    standing: async (offerId) => {
      const headers = { authorization: `Bearer ${adminKey}` };
      const place = `http://localhost:${port + 1}/admin/v1/offers/${offerId}`;
      return (await fetch(place, { headers })).json();
    },
    sample: (configurationId) => runJson("issuer", "sample", configurationId, ...own),
    stop: async () => {
      await end(server);
      await rm(folder, { recursive: true });
    },
  };
}

/** A commented configuration in which some keys have values. */
function changed(text, settings) {
  return Object.entries(settings).reduce((before, [key, value]) => {
    const after = before.replace(new RegExp(`^#?${key} = .*$`, "m"), `${key} = ${value}`);
    if (after === before) throw new Error(`there is no ${key} in bestow.toml`);
    return after;
  }, text);
}

/** A wallet with a store of its own. */
export async function createWallet(...options) {
  const folder = await temporaryFolder();
  const passphrase = join(folder, "passphrase");
  await writeFile(passphrase, "correct horse battery staple\n");
  await chmod(passphrase, 0o600);
  const own = ["--json", "--store", join(folder, "store"), "--passphrase-file", passphrase];
  return {
    /** Answers the address to sign in at with `signIn`, and gives back how it ended. */
    receiveSigningIn: (uri, signIn, ...more) =>
      runUntilAddress(signIn, "wallet", "receive", uri, "--yes", ...own, ...options, ...more),
    receive: (uri, ...more) => run("wallet", "receive", uri, "--yes", ...own, ...options, ...more),
    resume: (...more) => run("wallet", "resume", ...own, ...options, ...more),
    pending: async () => (await runJson("wallet", "pending", ...own)).pending,
    list: async () => (await runJson("wallet", "list", ...own)).credentials,
    remove: () => rm(folder, { recursive: true }),
  };
}

export async function runWell(...args) {
  const { code, stdout, stderr } = await run(...args);
  if (code === 0) return stdout;
  throw new Error(`bestow ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
}

/** A command that prints an address on standard error and waits for a browser to come back. */
async function runUntilAddress(signIn, ...args) {
  const child = spawn(bestowBinary(), args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let begun = false;
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
    const address = /^ {2}(https?:\S+)\n/m.exec(stderr)?.[1];
    if (!address || begun) return;
    begun = true;
    signIn(address).catch((error) => {
      stderr += error;
      child.kill();
    });
  });
  const late = setTimeout(() => child.kill(), COMMAND_TIMEOUT);
  const [code] = await once(child, "close");
  clearTimeout(late);
  return { code, stdout, stderr };
}

/** A command that reads a line, as a password is never an argument. */
async function runWithInput(input, ...args) {
  const child = spawn(bestowBinary(), args, { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(`${input}\n`);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`bestow ${args.join(" ")} ended with ${code}`);
}

async function serve(config, adminPort) {
  const child = spawn(bestowBinary(), ["issuer", "serve", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = [];
  child.stdout.on("data", (chunk) => log.push(chunk));
  child.stderr.on("data", (chunk) => log.push(chunk));
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await isHealthy(adminPort))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`bestow issuer serve did not become healthy\n${Buffer.concat(log)}`);
    }
    await sleep(POLL_INTERVAL);
  }
  return child;
}

async function isHealthy(adminPort) {
  const answer = await fetch(`http://localhost:${adminPort}/healthz`).catch(() => null);
  return answer?.ok === true;
}

async function end(child) {
  if (child.exitCode !== null) return;
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
