// Tableau views in a page of another site, in a real Chromium with real cookies: the example app on app.test, the portal with
// its broker on curfew.test, Tableau on tableau.test. docs/embed.md is what these tests hold to.

import { createHash } from 'node:crypto';

import { type BrowserContext, type FrameLocator, type LaunchOptions, type Page, test as base } from '@playwright/test';

import { Clocked } from '../lib/clocked';
import { type AppSettings, EmbeddingApp, signIn } from '../lib/embedding';
import { box, QUICK, rows } from '../lib/journey';
import { Portal } from '../lib/portal';
import { type OtherCookies, Sites } from '../lib/sites';
import { expect, hydrated } from '../lib/test';

type Browser = (cookies?: OtherCookies) => Promise<BrowserContext>;
type Fixtures = { sites: Sites; openBrowser: Browser; startApp: (settings: AppSettings) => Promise<EmbeddingApp> };

const test = base.extend<Fixtures>({
  sites: async ({}, use) => {
    const sites = await Sites.start();
    await use(sites);
    await sites.remove();
  },
  openBrowser: async ({ sites }, use, info) => {
    await use((cookies) => sites.browser(info.project.use.launchOptions as LaunchOptions, cookies));
  },
  startApp: async ({ sites }, use) => {
    const started: EmbeddingApp[] = [];
    await use(async (settings) => {
      const app = await EmbeddingApp.start(settings);
      started.push(app);
      sites.behind('app.test', app.url);
      return app;
    });
    for (const app of started) await app.remove();
  },
});

const view = (page: Page, name: string): FrameLocator => page.frameLocator(`iframe[title="${name}"]`);
const told = (page: Page) => page.getByRole('alert');

const CLOCKED = { site: 'sales', views: ['Sales/Overview', 'Sales/Regions'], users: ['ann', 'bob'], tableau: 'https://tableau.test' };

test.describe('embed with a broker and a Tableau whose clock moves', () => {
  let clocked: Clocked;
  test.beforeEach(async ({ sites, startApp }) => {
    clocked = await Clocked.start();
    sites.behind('tableau.test', clocked.tableau);
    await startApp({ ...CLOCKED, broker: clocked.broker, audience: 'https://curfew.test' });
  });
  test.afterEach(() => clocked.remove());

  /** The same time passes for the browser and for Tableau, with somebody at the mouse or nobody. */
  async function pass(page: Page, seconds: number, moving: boolean): Promise<void> {
    for (let left = seconds; left > 0; left -= 10) {
      if (moving) await page.mouse.move(5 + Math.random() * 300, 5 + Math.random() * 60);
      await page.clock.runFor(10_000);
      clocked.later_s += 10;
      await page.evaluate(async () => {
        for (;;) {
          const { held = [], pending = [] } = await navigator.locks.query();
          if (held.length + pending.length === 0) return;
          await fetch('/app.css');
        }
      });
    }
  }

  test('embed a page left open past Tableau’s limit never shows a sign-in page while somebody works there', async ({ openBrowser }) => {
    const browser = await openBrowser();
    await browser.clock.install();
    const page = await browser.newPage();
    await signIn(page, 'ann');
    for (const name of CLOCKED.views) await expect(view(page, name).getByText('Signed in as ann.')).toBeVisible();
    expect(clocked.tickets).toBe(1);
    await pass(page, 3 * clocked.idle_s, true);
    expect(clocked.tickets).toBeGreaterThan(5);
    // What a click in a view would load, after three times the limit.
    for (const frame of page.frames().filter((one) => one.url().includes('tableau.test'))) await frame.goto(frame.url());
    for (const name of CLOCKED.views) await expect(view(page, name).getByText('Signed in as ann.')).toBeVisible();
    expect(clocked.signInPages).toBe(0);
    await expect(told(page)).toBeHidden();
  });

  test('embed a page nobody works at lapses, and has a session again when they are back', async ({ openBrowser }) => {
    const browser = await openBrowser();
    await browser.clock.install();
    const page = await browser.newPage();
    await signIn(page, 'ann');
    await expect(view(page, 'Sales/Overview').getByText('Signed in as ann.')).toBeVisible();
    await pass(page, 2 * clocked.idle_s, false);
    expect(clocked.tickets).toBe(1);
    await page.mouse.move(40, 40);
    await expect.poll(() => clocked.tickets).toBe(2);
    await pass(page, 10, false);
    for (const frame of page.frames().filter((one) => one.url().includes('tableau.test'))) await frame.goto(frame.url());
    await expect(view(page, 'Sales/Overview').getByText('Signed in as ann.')).toBeVisible();
    expect(clocked.signInPages).toBe(0);
  });

  test('embed two tabs of one browser share a session, and another person takes it over', async ({ openBrowser }) => {
    const browser = await openBrowser();
    const page = await browser.newPage();
    await signIn(page, 'ann');
    await expect(view(page, 'Sales/Overview').getByText('Signed in as ann.')).toBeVisible();
    const second = await browser.newPage();
    await second.goto('https://app.test/');
    await expect(view(second, 'Sales/Regions').getByText('Signed in as ann.')).toBeVisible();
    expect(clocked.tickets).toBe(1);
    // The page of sign-in forgets; the tab that is still open is told.
    await signIn(second, 'bob');
    await expect(view(second, 'Sales/Overview').getByText('Signed in as bob.')).toBeVisible();
    expect(clocked.tickets).toBe(2);
    await expect(told(page)).toContainText('Please sign in again');
    await expect(page.locator('iframe[src]')).toHaveCount(0);
  });

  test('embed a browser that blocks cookies of other sites is told so', async ({ openBrowser }) => {
    const browser = await openBrowser('blocked');
    const page = await browser.newPage();
    await signIn(page, 'ann');
    await expect(told(page)).toHaveText(/^Your browser blocks cookies that this content needs\. .* \(T-1\)$/);
    await expect(page.locator('iframe[src]')).toHaveCount(0);
    expect(clocked.signInPages).toBe(0);
  });
});

test.describe('embed with the portal, its broker and the simulated Tableau of the demo', () => {
  const USER = 'freja.lindqvist';
  const PASSWORD = 'paper-boats-on-tuesday';
  const VIEWS = ['Sales/Overview', 'Sales/Regions'];
  const VIEW = 'https://tableau.test/t/Sales/views/Sales/Overview';
  let portal: Portal;

  test.beforeEach(async ({ sites }) => {
    portal = await Portal.start('sqlite', QUICK, ['--names', 'test']);
    const printed = (pattern: RegExp) => pattern.exec(portal.output)?.[1] ?? '';
    sites.behind('curfew.test', portal.url);
    sites.behind('app.test', printed(/^Example app with Tableau views: (\S+)$/m));
    sites.behind('tableau.test', printed(/its Tableau on (\S+)$/m));
  });
  test.afterEach(async ({}, info) => {
    if (info.status !== info.expectedStatus) {
      await info.attach('portal.log', { body: portal.output, contentType: 'text/plain' });
    }
    await portal.remove();
  });

  /** A browser in which somebody has signed in to the app, and sees both views. */
  async function atWork(browser: BrowserContext): Promise<Page> {
    const page = await browser.newPage();
    await signIn(page, USER, PASSWORD);
    for (const name of VIEWS) await expect(view(page, name).getByText(`Signed in as ${USER} on Sales.`)).toBeVisible();
    await expect(told(page)).toBeHidden();
    return page;
  }

  /** A browser of an administrator, at the portal's own address. */
  async function administrator(browser: BrowserContext): Promise<Page> {
    const page = await browser.newPage();
    const { login, password } = portal.signIn('administrator');
    await page.goto('https://curfew.test/sign-in');
    await page.getByLabel('User name').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).not.toHaveURL(/\/sign-in/);
    return page;
  }

  test('embed two views come without a sign-in page, from one ticket, and sign-out ends the session in Tableau', async ({ openBrowser }) => {
    const browser = await openBrowser();
    const page = await atWork(browser);
    // Another tab, the same ticket.
    const second = await browser.newPage();
    await second.goto('https://app.test/');
    await expect(view(second, 'Sales/Regions').getByText(`Signed in as ${USER}`)).toBeVisible();
    const admin = await administrator(await openBrowser());
    await admin.goto(`https://curfew.test/tickets?user=${USER}`);
    const asked = admin.getByRole('row').filter({ hasText: USER });
    await expect(asked).toHaveCount(1);
    await expect(asked).toContainText('example-app');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('status')).toHaveText('You are signed out of Tableau.', { timeout: 30_000 });
    await page.goto(VIEW);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign in to Tableau Server');
    // The other tab is told, and shows nothing of the person any more.
    await expect(told(second)).toContainText('Please sign in again');
    await expect(second.locator('iframe[src]')).toHaveCount(0);
  });

  test('embed a cookie kept from before the sign-out gets no ticket', async ({ openBrowser, playwright }) => {
    const browser = await openBrowser();
    const page = await atWork(browser);
    const kept = (await browser.cookies('https://app.test')).find(({ name }) => name === 'app_session');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('status')).toHaveText('You are signed out of Tableau.', { timeout: 30_000 });
    const elsewhere = await playwright.request.newContext({ baseURL: portal.url });
    const answer = await elsewhere.post('/broker/v1/browser/tickets', {
      headers: { cookie: `app_session=${kept?.value}`, 'sec-fetch-site': 'same-origin', 'x-curfew-app': 'example-app' },
      data: { site: 'Sales' },
    });
    expect(answer.status()).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'signed_out', reference: expect.stringMatching(/^T-/) });
    await elsewhere.dispose();
  });

  test('embed an ending in Curfew holds: the page is told, and only a new sign-in at the app helps', async ({ openBrowser }) => {
    const page = await atWork(await openBrowser());
    const admin = await administrator(await openBrowser());
    await expect(async () => {
      await admin.goto(`https://curfew.test/sessions?system=tableau-analytics&q=${USER}`);
      await hydrated(admin);
      await expect(rows(admin).filter({ hasText: USER })).not.toHaveCount(0, { timeout: 500 });
    }).toPass({ timeout: 30_000 });
    for (const one of await box(rows(admin)).and(admin.locator(':enabled')).all()) await one.check();
    await admin.getByRole('button', { name: /^End \d+ sessions?…$/ }).click();
    await expect(admin).toHaveURL(/\/endings\/preview\//);
    await hydrated(admin);
    await admin.getByLabel('Reason').fill('Laptop lost, ticket 8');
    await admin.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
    await expect(admin.getByRole('heading', { level: 1 })).toHaveText(/gone$/, { timeout: 30_000 });

    await page.reload();
    await expect(told(page)).toHaveText(/^Please sign in again\. \(T-[0-9A-Z]{8}\)$/);
    await expect(page.locator('iframe[src]')).toHaveCount(0);
    // The reference that the person reads finds the row.
    const reference = /T-[0-9A-Z]{8}/.exec(await told(page).innerText())?.[0] ?? '';
    await admin.goto(`https://curfew.test/tickets?ref=${reference}`);
    await expect(admin.getByRole('region', { name: new RegExp(`^Request ${reference}`) })).toContainText(USER);

    await signIn(page, USER, PASSWORD);
    for (const name of VIEWS) await expect(view(page, name).getByText(`Signed in as ${USER} on Sales.`)).toBeVisible();
  });

  test('embed a browser that blocks cookies of other sites is told so by its reference', async ({ openBrowser }) => {
    const page = await (await openBrowser('blocked')).newPage();
    await signIn(page, USER, PASSWORD);
    await expect(told(page)).toHaveText(/^Your browser blocks cookies that this content needs\. .* \(T-[0-9A-Z]{8}\)$/);
    await expect(page.locator('iframe[src]')).toHaveCount(0);
  });

  test('embed the helper comes from the broker with the hash that it names', async ({ openBrowser }) => {
    const browser = await openBrowser();
    const page = await browser.newPage();
    // A page of another site that lets script in from anywhere.
    await page.goto('https://tableau.test/signin');
    const names = await page.evaluate(async (address) => {
      const helper = (await import(address)) as object;
      return Object.keys(helper).sort();
    }, 'https://curfew.test/embed/curfew-embed.js');
    expect(names).toEqual(['EmbedError', 'clear', 'embed']);
    const bytes = await (await fetch(`${portal.url}/embed/curfew-embed.js`)).arrayBuffer();
    const said = (await (await fetch(`${portal.url}/embed/integrity.json`)).json()) as Record<string, string>;
    expect(`sha384-${createHash('sha384').update(Buffer.from(bytes)).digest('base64')}`).toBe(said['curfew-embed.js']);
  });
});
