// The test everything here is written with: a portal of its own, people who sign in, and eyes on every request.

import AxeBuilder from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, type Page, test as base, expect } from '@playwright/test';

import { type Database, Portal, type Role, type SignIn } from './portal';
import { Watch } from './watch';

export { expect } from '@playwright/test';
export type { Page } from '@playwright/test';
export type { Role } from './portal';

type Options = { database: Database; settings: Record<string, string> };
type Fixtures = { portal: Portal; watch: Watch; people: People };

export const test = base.extend<Options & Fixtures>({
  database: ['sqlite', { option: true }],
  settings: [{}, { option: true }],

  portal: async ({ database, settings }, use, info) => {
    const portal = await Portal.start(database, settings);
    await use(portal);
    if (info.status !== info.expectedStatus) {
      await info.attach('portal.log', { body: portal.output, contentType: 'text/plain' });
    }
    await portal.remove();
  },

  // Every page of every test is watched; what it saw is judged at the end.
  watch: [
    async ({ portal }, use) => {
      const watch = new Watch(portal.url);
      await use(watch);
      watch.judge(portal.output);
    },
    { auto: true },
  ],

  people: async ({ browser, portal, watch }, use) => {
    const people = new People(browser, portal, watch);
    await use(people);
    await people.leave();
  },
});

/** People with a browser each. */
export class People {
  private readonly opened: Page[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly portal: Portal,
    private readonly watch: Watch,
  ) {}

  /** A fresh browser, nobody signed in. */
  async newcomer(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ baseURL: this.portal.url, ...options });
    const page = await context.newPage();
    this.watch.page(page);
    this.opened.push(page);
    return page;
  }

  /** A fresh browser in which that person has signed in. */
  async signedIn(who: Role | SignIn, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.newcomer(options);
    await this.signIn(page, who);
    return page;
  }

  async signIn(page: Page, who: Role | SignIn): Promise<void> {
    const account = typeof who === 'string' ? this.portal.signIn(who) : who;
    this.watch.secret(account.password);
    // The door also stands where a late form was sent to.
    if (!(await page.getByLabel('User name').isVisible())) await page.goto('/sign-in');
    await page.getByLabel('User name').fill(account.login);
    await page.getByLabel('Password').fill(account.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).not.toHaveURL(/\/sign-in/);
    for (const cookie of await page.context().cookies()) this.watch.secret(cookie.value);
  }

  async leave(): Promise<void> {
    for (const page of this.opened) await page.context().close();
  }
}

/** Waits until script has taken the page over. */
export async function hydrated(page: Page): Promise<void> {
  await page.locator('body[data-hydrated]').waitFor();
}

/** No violation of WCAG 2.2 AA as far as axe can see. */
export async function accessible(page: Page, name: string): Promise<void> {
  // A page still on its way has heads without their words.
  await page.waitForLoadState('load');
  const found = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  const told = found.violations.map((violation) => {
    const places = violation.nodes.map((node) => `    ${node.target.join(' ')}: ${node.failureSummary}`);
    return `${violation.id} (${violation.impact}): ${violation.help}\n${places.join('\n')}`;
  });
  expect(told, `axe on ${name}`).toEqual([]);
}
