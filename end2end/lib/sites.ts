// Three real sites on one machine: app.test, curfew.test and tableau.test, each over TLS by a throw-away authority, in a browser
// of its own. Ports of one host would be one site, and prove nothing about cookies of other sites.

import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type BrowserContext, chromium, type LaunchOptions } from '@playwright/test';

const run = promisify(execFile);

export type Host = 'app.test' | 'curfew.test' | 'tableau.test';
const HOSTS: Host[] = ['app.test', 'curfew.test', 'tableau.test'];

/** What browsers think of cookies of other sites. */
export type OtherCookies = 'allowed' | 'blocked';

export class Sites {
  private readonly upstreams = new Map<Host, string>();
  private readonly servers: Server[] = [];
  private readonly browsers: BrowserContext[] = [];
  private port = 0;

  private constructor(
    private readonly folder: string,
    /** Base64 of the SHA-256 over the authority's public key: what browsers of these tests trust, and nothing else. */
    private readonly pin: string,
  ) {}

  static async start(): Promise<Sites> {
    const folder = await mkdtemp(join(tmpdir(), 'curfew-sites-'));
    const file = (name: string) => join(folder, name);
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await run('openssl', ['req', '-x509', ...ec, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=Throw-away']);
    await run('openssl', ['req', ...ec, '-keyout', file('key.pem'), '-out', file('csr.pem'), '-subj', '/CN=app.test']);
    await writeFile(file('san'), `subjectAltName=${HOSTS.map((host) => `DNS:${host}`).join(',')}\n`);
    await run('openssl', [
      ...['x509', '-req', '-in', file('csr.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'],
      ...['-days', '2', '-extfile', file('san'), '-out', file('leaf.pem')],
    ]);
    const ca = await readFile(file('ca.pem'), 'utf8');
    const key = new X509Certificate(ca).publicKey.export({ type: 'spki', format: 'der' });
    const sites = new Sites(folder, createHash('sha256').update(key).digest('base64'));
    const cert = (await readFile(file('leaf.pem'), 'utf8')) + ca;
    const server = createServer({ cert, key: await readFile(file('key.pem')) }, (ask, answer) => {
      const host = ask.headers.host as Host;
      const to = new URL(sites.upstreams.get(host) ?? 'http://127.0.0.1:9');
      const headers = { ...ask.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' };
      const behind = request(
        { host: to.hostname, port: to.port, path: ask.url, method: ask.method, headers },
        (said) => {
          answer.writeHead(said.statusCode ?? 502, said.headers);
          said.pipe(answer);
        },
      );
      behind.on('error', () => gone(answer));
      ask.pipe(behind);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    sites.port = (server.address() as AddressInfo).port;
    sites.servers.push(server);
    return sites;
  }

  /** Hands requests for that host on; nothing answers until then. */
  behind(host: Host, url: string): void {
    this.upstreams.set(host, url);
  }

  /** A browser of its own, with a profile as people have it: a private window would block cookies of other sites anyway. */
  async browser(options: LaunchOptions, cookies: OtherCookies = 'allowed'): Promise<BrowserContext> {
    const profile = await mkdtemp(join(this.folder, 'profile-'));
    await mkdir(join(profile, 'Default'));
    // 1: block cookies of other sites, as the setting of that name does.
    const preferences = { profile: { cookie_controls_mode: cookies === 'blocked' ? 1 : 0 } };
    await writeFile(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
    const rules = HOSTS.map((host) => `MAP ${host} 127.0.0.1:${this.port}`).join(', ');
    const context = await chromium.launchPersistentContext(profile, {
      ...options,
      args: [
        ...(options.args ?? []),
        `--host-resolver-rules=${rules}`,
        `--ignore-certificate-errors-spki-list=${this.pin}`,
      ],
    });
    this.browsers.push(context);
    return context;
  }

  async remove(): Promise<void> {
    for (const browser of this.browsers) await browser.close();
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

function gone(answer: ServerResponse): void {
  if (!answer.headersSent) answer.writeHead(502);
  answer.end();
}
