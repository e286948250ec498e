// The browser helper alone: an app, a broker and a Tableau that are answered within the browser, and a clock that tests move.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { type BrowserContext, type Page, test as base } from '@playwright/test';

export { expect } from '@playwright/test';

const HELPER = resolve(process.cwd(), '../server/embed/curfew-embed.js');
export const APP = 'https://app.test';
export const TABLEAU = 'https://tableau.test';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What a call ended with; null: it worked. */
export type Told = { code: string; reference?: string; text: string } | null;

/** Everything beside the helper: what it is answered, and what it asked. */
export class Around {
  /** Fields laid over the broker's good answer. */
  over: Record<string, unknown> = {};
  /** Instead of a good answer. */
  instead?: { status: number; body: string; type?: string };
  /** How long the broker takes. */
  delay_ms = 0;
  /** Bodies of the requests for tickets. */
  readonly asked: { path: string; body: string }[] = [];
  /** Paths of the pictures and pages that Tableau was asked for. */
  readonly tableau: string[] = [];
  /** Whether Tableau takes tickets. */
  takes = true;
  /** Whether the browser keeps Tableau's cookie and sends it. */
  cookies = true;
  /** Whether Tableau has a session of this browser. */
  session = false;
  private tickets = 0;

  async serve(context: BrowserContext): Promise<void> {
    const helper = await readFile(HELPER, 'utf8');
    await context.route(`${APP}/**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/curfew-embed.js') return route.fulfill({ body: helper, contentType: 'text/javascript' });
      if (route.request().method() === 'GET') return route.fulfill({ body: PAGE, contentType: 'text/html' });
      this.asked.push({ path: pathname, body: route.request().postData() ?? '' });
      await new Promise((done) => setTimeout(done, this.delay_ms));
      const { status = 200, body, type = 'application/json' } = this.instead ?? { body: JSON.stringify(this.answer()) };
      return route.fulfill({ status, body, contentType: type }).catch(() => undefined);
    });
    await context.route(`${TABLEAU}/**`, (route) => {
      const { pathname } = new URL(route.request().url());
      this.tableau.push(pathname);
      if (!pathname.endsWith('.png')) return route.fulfill({ body: '<p>A view</p>', contentType: 'text/html' });
      if (!this.comes(pathname)) return route.fulfill({ status: 401, body: '<html>', contentType: 'text/html' });
      return route.fulfill({ body: Buffer.from(PIXEL, 'base64'), contentType: 'image/png' });
    });
  }

  /** Redemptions so far. */
  get redeemed(): number {
    return this.tableau.filter((path) => path.startsWith('/trusted/')).length;
  }

  ticket(): string {
    return `AAAAAAAAAAAAAAAAAAAAAA==:BBBBBBBBBBBBBBBBBBBB${String(this.tickets).padStart(4, '0')}`;
  }

  private comes(path: string): boolean {
    if (!path.startsWith('/trusted/')) return this.session && this.cookies;
    this.session ||= this.takes;
    return this.takes;
  }

  private answer(): unknown {
    this.tickets += 1;
    return {
      reference: `T-${this.tickets}`,
      grant: 'ticket',
      redeem_url: `${TABLEAU}/trusted/${this.ticket()}/t/sales/views/Login/Login.png`,
      fresh_s: 600,
      max_age_s: 28_800,
      ...this.over,
    };
  }
}

const PAGE = `<!doctype html><title>App</title><iframe id="a"></iframe><iframe id="b"></iframe><iframe id="c"></iframe>
<script type="module">
  import * as helper from '/curfew-embed.js';
  window.helper = helper;
  window.errors = [];
  window.tell = (work) => Promise.resolve().then(work).then(() => null, ({ code, reference, text }) => ({ code, reference, text }));
  window.make = (options = {}) =>
    helper.embed({ user: 'ann', site: 'sales', onError: ({ code }) => window.errors.push(code), ...options });
</script>`;

type Made = { establish(): Promise<void>; load(element: unknown, address: string): Promise<void>; stop(): void };
type InPage = {
  helper: { clear(key?: string): void };
  errors: string[];
  tell(work: () => unknown): Promise<Told>;
  make(options?: object): Made;
  tableau: Made;
};
declare const window: InPage & { document: { getElementById(id: string): unknown } };

export const test = base.extend<{ around: Around }>({
  around: async ({ context }, use) => {
    const around = new Around();
    await around.serve(context);
    // One clock for all tabs, as in life.
    await context.clock.install({ time: new Date('2026-03-02T09:00:00Z') });
    await use(around);
  },
});

/** Opens a page of the app. */
export async function open(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(APP);
  await page.waitForFunction(() => 'make' in window);
  return page;
}

/** Makes a session by the helper in that page, as the app does on the first page after sign-in. */
export function establish(page: Page, options: object = {}): Promise<Told> {
  return page.evaluate((options) => window.tell(() => (window.tableau = window.make(options)).establish()), options);
}

/** Shows a view in one of the page's frames. */
export function load(page: Page, frame: string, address = `${TABLEAU}/t/sales/views/Sales/Overview`): Promise<Told> {
  return page.evaluate(
    ([frame, address]) =>
      window.tell(() => (window.tableau ??= window.make()).load(window.document.getElementById(frame), address)),
    [frame, address],
  );
}

export function errors(page: Page): Promise<string[]> {
  return page.evaluate(() => window.errors);
}

export function clear(page: Page): Promise<void> {
  return page.evaluate(() => window.helper.clear());
}

/** Somebody moves the mouse. */
export async function move(page: Page): Promise<void> {
  await page.mouse.move(10 + Math.random() * 200, 300 + Math.random() * 200);
  // The event has arrived once the page answers.
  await page.evaluate(() => undefined);
}

/**
 * Lets so many seconds pass, with somebody at the mouse or nobody. In steps shorter than the helper's patience, each ended only
 * when nothing is under way: answers take real time.
 */
export async function pass(page: Page, seconds: number, moving = false): Promise<void> {
  for (let left = seconds; left > 0; left -= 10) {
    if (moving) await move(page);
    await settled(page);
    await page.clock.runFor(Math.min(left, 10) * 1_000);
    await settled(page);
  }
}

/** Until nothing is under way: what was asked has been answered. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (;;) {
      const { held = [], pending = [] } = await navigator.locks.query();
      if (held.length + pending.length === 0) return;
      await fetch('/');
    }
  });
}
