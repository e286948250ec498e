// The example app of docs/embed.md, as its own program on a free port.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import type { Page } from '@playwright/test';

const program = join(dirname(resolve(process.env.E2E_SERVER ?? '../target/debug/curfew')), 'embedding-app');

/** Signs the app's tokens; the broker has the same. */
export const SECRET = randomBytes(32).toString('base64url');
export const APP_ID = 'intranet';
const PASSWORD = 'paper-boats-on-tuesday';

/** What the app is told of its surroundings. */
export type AppSettings = {
  /** Where the app reaches the broker. */
  broker: string;
  /** The broker's public address. */
  audience: string;
  /** Tableau's address for browsers. */
  tableau: string;
  site: string;
  views: string[];
  /** Users of Tableau, each of whom may sign in under the same name. */
  users: string[];
};

export class EmbeddingApp {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(settings: AppSettings): Promise<EmbeddingApp> {
    const folder = await mkdtemp(join(tmpdir(), 'curfew-app-'));
    const lines = {
      listen: '127.0.0.1:0',
      id: APP_ID,
      secret: SECRET,
      broker: settings.broker,
      audience: settings.audience,
      tableau: settings.tableau,
      site: settings.site,
      views: settings.views,
      https: true,
    };
    const people = settings.users.map((user) => ({ login: user, password: PASSWORD, user }));
    // What JSON and TOML write alike.
    const toml = [
      ...Object.entries(lines).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
      ...people.map((one) => `[[people]]\n${Object.entries(one).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n')}`),
    ];
    const file = join(folder, 'app.toml');
    await writeFile(file, toml.join('\n'));
    const child = spawn(program, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise<string>((found, failed) => {
      child.stdout.once('data', (line: Buffer) => found(line.toString().trim()));
      child.once('error', failed);
      child.once('exit', (code) => failed(new Error(`the example app ended with ${code}`)));
    });
    return new EmbeddingApp(url, child, folder);
  }

  async remove(): Promise<void> {
    this.child.removeAllListeners('exit');
    this.child.kill('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Signs in to the app, in the browser. */
export async function signIn(page: Page, user: string, password = PASSWORD): Promise<void> {
  await page.goto('https://app.test/sign-in');
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('https://app.test/');
}
