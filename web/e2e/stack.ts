/** Starts and stops what the tests look at: database servers, simulated or real, and orchestrator itself. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARIES = process.env["ORCHESTRATOR_BINARIES"] ?? join(import.meta.dirname, "../../target/debug");
const START_MAX_MS = 60_000;
const STOP_MAX_MS = 10_000;

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a state, with a limit. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  maxMs = START_MAX_MS,
): Promise<T> {
  const end = Date.now() + maxMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await pause(100);
  }
  throw new Error(`not in ${maxMs} ms: ${what}${last ? ` (${String(last)})` : ""}`);
}

/** Starts a program that does not outlive this process, however that ends. */
function launch(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(join(BINARIES, program), args, options);
  const end = () => child.kill("SIGINT");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

async function stopped(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  end();
  await Promise.race([gone, pause(STOP_MAX_MS)]);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

/** `orchestrator-lab`: servers that obey commands. */
export class Lab {
  private output = "";

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on("data", (text: Buffer) => (this.output += text.toString()));
    child.stderr?.on("data", (text: Buffer) => (this.output += text.toString()));
  }

  static async start(...args: string[]): Promise<Lab> {
    const lab = new Lab(launch("orchestrator-lab", args, { stdio: ["pipe", "pipe", "pipe"] }));
    await until(`orchestrator-lab ${args.join(" ")} to be up`, () => {
      if (lab.child.exitCode !== null) throw new Error(lab.output);
      return lab.output.includes("commands:") ? true : undefined;
    });
    return lab;
  }

  /** Of a server by its name; of a simulated fleet the first. */
  address(name?: string): { host: string; port: number } {
    const pattern = name === undefined ? /(127[\d.]+):(\d+)/ : new RegExp(`^${name}\\s+(127[\\d.]+):(\\d+)`, "m");
    const [, host, port] = pattern.exec(this.output) ?? [];
    if (!host || !port) throw new Error(`no address of ${name} in:\n${this.output}`);
    return { host, port: Number(port) };
  }

  get account(): { user: string; password: string } {
    const [, user = "", password = ""] = /user (orchestrator\S*)\s+password (\S+)/.exec(this.output) ?? [];
    return { user, password };
  }

  async command(line: string): Promise<void> {
    const before = this.output.length;
    this.child.stdin?.write(`${line}\n`);
    await until(`an answer to ${line}`, () => (/^(ok|error)/m.test(this.output.slice(before)) ? true : undefined));
  }

  stop(): Promise<void> {
    return stopped(this.child, () => this.child.stdin?.write("quit\n"));
  }
}

/** A running `orchestrator http` with a backend of its own. */
export class Orchestrator {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async start(lab: Lab, more: Readonly<Record<string, unknown>> = {}): Promise<Orchestrator> {
    const folder = mkdtempSync(join(tmpdir(), "orchestrator-web-"));
    const port = await freePort();
    const { user, password } = lab.account;
    const config = {
      ListenAddress: `127.0.0.1:${port}`,
      BackendDB: "sqlite",
      SQLite3DataFile: join(folder, "orchestrator.sqlite3"),
      MySQLTopologyUser: user,
      MySQLTopologyPassword: password,
      DiscoverByShowSlaveHosts: true,
      HostnameResolveMethod: "none",
      MySQLHostnameResolveMethod: "none",
      InstancePollSeconds: 1,
      AuditToBackendDB: true,
      RecoverMasterClusterFilters: ["*"],
      RecoverIntermediateMasterClusterFilters: ["*"],
      ...more,
    };
    const file = join(folder, "orchestrator.conf.json");
    writeFileSync(file, JSON.stringify(config));
    const child = launch("orchestrator", ["--config", file, "http"], { cwd: folder, stdio: "ignore" });
    const prefix = String(config["URLPrefix" as keyof typeof config] ?? "");
    const orchestrator = new Orchestrator(child, folder, `http://127.0.0.1:${port}${prefix}`);
    await until("orchestrator to answer", async () =>
      (await fetch(`${orchestrator.url}/api/lb-check`)).ok ? true : undefined,
    );
    return orchestrator;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.url}/api/${path}`)).json()) as T;
  }

  /** Makes a cluster known, and waits until all of it is. */
  async discover(at: { host: string; port: number }, servers: number): Promise<void> {
    await fetch(`${this.url}/api/discover/${at.host}/${at.port}`);
    await until(`${servers} servers to be known`, async () => {
      const all = await this.get<{ IsLastCheckValid: boolean; Problems: string[] }[]>("all-instances");
      return all.length >= servers && all.every((one) => one.IsLastCheckValid && one.Problems.length === 0)
        ? true
        : undefined;
    });
  }

  async stop(): Promise<void> {
    await stopped(this.child, () => this.child.kill("SIGTERM"));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
