// A broker and a Tableau of the same contract as the real ones (docs/broker.md), with a clock that tests move: what a session
// outlives can't be waited for. Everything else about them is tested on the real ones.

import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const FOUND = { 'cache-control': 'no-store' };

export class Clocked {
  /** Tableau ends a session after so long without use, seconds. */
  readonly idle_s = 1_200;
  /** As the broker derives it: half of that. */
  readonly fresh_s = 600;
  /** How much later it is than on this machine, seconds. */
  later_s = 0;
  /** Tickets handed out so far. */
  tickets = 0;
  /** How often somebody saw Tableau's sign-in page. */
  signInPages = 0;
  broker = '';
  tableau = '';
  private readonly open = new Map<string, string>();
  private readonly sessions = new Map<string, { user: string; usedAt_s: number }>();
  private readonly servers: Server[] = [];

  static async start(): Promise<Clocked> {
    const clocked = new Clocked();
    clocked.broker = await clocked.listen((ask, answer) => clocked.issue(ask, answer));
    clocked.tableau = await clocked.listen((ask, answer) => clocked.show(ask, answer));
    return clocked;
  }

  async remove(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  private now_s(): number {
    return Date.now() / 1_000 + this.later_s;
  }

  private async listen(work: (ask: IncomingMessage, answer: ServerResponse) => void): Promise<string> {
    const server = createServer(work);
    this.servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** The broker's door for browsers. */
  private issue(ask: IncomingMessage, answer: ServerResponse): void {
    const token = /app_session=([^;]+)/.exec(ask.headers.cookie ?? '')?.[1];
    const good = ask.url === '/broker/v1/browser/tickets' && ask.headers['sec-fetch-site'] === 'same-origin' && token;
    if (!good) {
      answer.writeHead(401, { 'content-type': 'application/problem+json' });
      answer.end('{"code":"unauthorized"}');
      return;
    }
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()) as { sub: string };
    const ticket = `AAAAAAAAAAAAAAAAAAAAAA==:${randomBytes(12).toString('hex')}`;
    this.tickets += 1;
    this.open.set(ticket, sub);
    const said = {
      reference: `T-${this.tickets}`,
      grant: 'ticket',
      redeem_url: `https://tableau.test/trusted/${ticket}/t/sales/views/Login/Login.png`,
      fresh_s: this.fresh_s,
      max_age_s: 28_800,
    };
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(said));
  }

  private show(ask: IncomingMessage, answer: ServerResponse): void {
    const path = new URL(ask.url ?? '/', 'http://tableau').pathname;
    const ticket = decodeURIComponent(/^\/trusted\/([^/]+)\//.exec(path)?.[1] ?? '');
    let session = /workgroup_session_id=([^;]+)/.exec(ask.headers.cookie ?? '')?.[1] ?? '';
    const headers: Record<string, string> = { ...FOUND };
    const redeems = this.open.get(ticket);
    if (redeems) {
      this.open.delete(ticket);
      session = randomUUID();
      this.sessions.set(session, { user: redeems, usedAt_s: this.now_s() });
      headers['set-cookie'] = `workgroup_session_id=${session}; Path=/; HttpOnly; Secure; SameSite=None`;
    }
    const found = ticket && !redeems ? undefined : this.sessions.get(session);
    if (!found || this.now_s() - found.usedAt_s > this.idle_s) {
      if (!path.endsWith('.png')) this.signInPages += 1;
      answer.writeHead(200, { ...headers, 'content-type': 'text/html' });
      answer.end('<h1>Sign in to Tableau Server</h1>');
      return;
    }
    found.usedAt_s = this.now_s();
    const picture = path.endsWith('.png');
    answer.writeHead(200, { ...headers, 'content-type': picture ? 'image/png' : 'text/html' });
    answer.end(picture ? Buffer.from(PIXEL, 'base64') : `<h1>${path}</h1><p>Signed in as ${found.user}.</p>`);
  }
}
