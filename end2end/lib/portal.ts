// One portal per test: the real program on a free port with a folder, and on PostgreSQL a database, of its own.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export type Database = 'sqlite' | 'postgres';
export type Role = 'administrator' | 'helpdesk' | 'auditor';
export type SignIn = { login: string; password: string };

const run = promisify(execFile);
const program = resolve(process.env.E2E_SERVER ?? '../target/debug/curfew');
const READY_MS = process.env.BENCH_TIMES ? 300_000 : 30_000;

export class Portal {
  /** Where it answers, without a slash at the end. */
  url = '';
  /** The demo's accounts, as the program prints them. */
  readonly signIns = new Map<Role, SignIn>();
  /** People of the demo who may do nothing: their sessions are there to be ended. */
  guests: SignIn[] = [];
  /** Everything it has written so far, logs included. */
  output = '';

  private child?: ChildProcess;

  private constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    /** More words for `curfew demo`. */
    private readonly words: string[],
    private readonly databaseName?: string,
  ) {}

  static async start(database: Database, settings: Record<string, string> = {}, words: string[] = []): Promise<Portal> {
    const folder = await mkdtemp(join(tmpdir(), 'curfew-e2e-'));
    // Nothing of the caller's settings may reach the program.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CURFEW_')));
    Object.assign(env, {
      CURFEW_COLLECT__EVERY_S: '1',
      CURFEW_ENDINGS__FIRST_WATCH_S: '1',
      CURFEW_SIGNIN__PER_ADDRESS_PER_MINUTE: '1000',
      ...settings,
    });
    let name: string | undefined;
    if (database === 'postgres') {
      name = `e2e_${randomBytes(6).toString('hex')}`;
      const server = new URL(superuser());
      await sql(`CREATE DATABASE ${name}`);
      server.pathname = `/${name}`;
      Object.assign(env, { E2E_DATABASE_URL: server.href, CURFEW_DATABASE__URL: 'env:E2E_DATABASE_URL' });
    }
    const portal = new Portal(folder, env, words, name);
    try {
      await portal.launch('127.0.0.1:0');
    } catch (error) {
      await portal.remove();
      throw error;
    }
    return portal;
  }

  /** Stops the program as a crash would, and starts it again at the same address. */
  async crashAndRestart(): Promise<void> {
    await this.end('SIGKILL');
    await this.launch(new URL(this.url).host);
  }

  /** Another word of the same program, on the same data: what it printed and how it ended. */
  async curfew(...args: string[]): Promise<{ code: number; output: string }> {
    const env = { ...this.env, CURFEW_DATA_DIR: this.folder };
    try {
      const { stdout, stderr } = await run(program, args, { env, cwd: this.folder });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const failed = error as { code?: number; stdout?: string; stderr?: string };
      return { code: failed.code ?? -1, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
    }
  }

  /** Sets what is wrong with a simulated system; what is left out works again. */
  async faults(system: string, faults: Record<string, unknown>): Promise<void> {
    await this.ask(system, '/control', faults);
  }

  /** What a simulated system says to a call of its own protocol (docs/systems/simulator.md). */
  async ask<T>(system: string, path: string, body?: unknown): Promise<T> {
    const file = await readFile(join(this.folder, 'simulated-systems.json'), 'utf8');
    const { url, token } = (JSON.parse(file) as Record<string, { url: string; token: string }>)[system];
    const answer = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${system}${path} answered ${answer.status}`);
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }

  signIn(role: Role): SignIn {
    const found = this.signIns.get(role);
    if (!found) throw new Error(`the demo printed no sign-in for ${role}:\n${this.output}`);
    return found;
  }

  /** A person of the demo by their sign-in name. */
  person(login: string): SignIn {
    const password = new RegExp(`^\\s+${login} / (\\S+)`, 'm').exec(this.output)?.[1];
    if (!password) throw new Error(`the demo printed no sign-in for ${login}:\n${this.output}`);
    return { login, password };
  }

  async remove(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
    if (this.databaseName) await sql(`DROP DATABASE IF EXISTS ${this.databaseName} WITH (FORCE)`);
  }

  private async launch(listen: string): Promise<void> {
    const before = this.output.length;
    const size = process.env.BENCH_TIMES ? ['--times', process.env.BENCH_TIMES] : [];
    const child = spawn(program, ['demo', '--listen', listen, '--data-dir', this.folder, ...size, ...this.words], {
      env: this.env,
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const hear = (chunk: Buffer) => {
      this.output += chunk.toString();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const patience = Date.now() + READY_MS;
    while (Date.now() < patience && child.exitCode === null) {
      const printed = this.output.slice(before);
      const address = /Curfew (?:answers at|listens on) (http:[^\s,]+)/.exec(printed)?.[1];
      if (address && (await answers(`${address}/healthz`))) {
        this.url = address;
        this.guests = [];
        this.readSignIns(printed);
        return;
      }
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the portal did not start:\n${this.output}`);
  }

  /** `  login / password   (Role, scope)` */
  private readSignIns(printed: string): void {
    for (const [, login, password, says] of printed.matchAll(/^ {2}(\S+) \/ (\S+)\s+\((.+)\)$/gm)) {
      const role = (['Administrator', 'Helpdesk', 'Auditor'] as const).find((name) => says.startsWith(name));
      const name = role?.toLowerCase() as Role | undefined;
      // The first of a role; further ones by their sign-in name (`person`).
      if (name && !this.signIns.has(name)) this.signIns.set(name, { login, password });
      if (!name) this.guests.push({ login, password });
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

function superuser(): string {
  const url = process.env.CURFEW_TEST_POSTGRES;
  if (!url) throw new Error('CURFEW_TEST_POSTGRES is not set: run this by `cargo xtask test e2e`');
  return url;
}

async function sql(statement: string): Promise<void> {
  await run('psql', ['--quiet', '--no-psqlrc', '--dbname', superuser(), '--command', statement]);
}
