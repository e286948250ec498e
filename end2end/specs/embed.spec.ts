// Tableau views in a page of another site, in a real Chromium with real cookies: the example app on app.test, the portal with
// its broker on curfew.test, Tableau on tableau.test. docs/embed.md is what these tests hold to.

import { type BrowserContext, type FrameLocator, type LaunchOptions, type Page, test as base } from '@playwright/test';

import { Clocked } from '../lib/clocked';
import { type AppSettings, EmbeddingApp, signIn } from '../lib/embedding';
import { expect } from '../lib/test';
import { type OtherCookies, Sites } from '../lib/sites';

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
