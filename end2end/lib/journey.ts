// The whole path, as the foundation promises it: see, filter, select, preview, end, read back, prove.

import { expect, type Locator, type Page } from '@playwright/test';

import type { Hands } from './hands';
import type { Portal } from './portal';
import { hydrated, type People } from './test';
import type { Watch } from './watch';

export type Stage = { portal: Portal; people: People; watch: Watch };

/** How a journey is made: with which hands, and whether pages have script. */
export type Way = { script: boolean; hands: (page: Page) => Hands };

/** Faster asks than in real life; what they mean stays the same. */
export const QUICK = {
  CURFEW_COLLECT__EVERY_S: '2',
  CURFEW_ENDINGS__ASK_AGAIN_S: '[1, 1, 1]',
  CURFEW_ENDINGS__FIRST_WATCH_S: '1',
};

/** Demo people by what their system does when asked to end them. */
const LIED_ABOUT = 'rtables';
const LET_BACK_IN = 'm.hohenlohe';

export async function wholePath({ portal, people, watch }: Stage, way: Way): Promise<void> {
  const options = way.script ? {} : { javaScriptEnabled: false };
  // Who is signed out in the middle gets a 401 for calls that were under way; that is the point.
  watch.allow(/status of (40[13]|422)/);
  watch.allow(/\/live\b|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION/);

  // Three people sign in, each in a browser of their own.
  const guests = portal.guests.slice(0, 3);
  const browsers: Page[] = [];
  for (const guest of guests) browsers.push(await people.signedIn(guest, options));

  // A helpdesk person scoped to one system sees only that system.
  const helpdesk = await people.signedIn('helpdesk', options);
  const hands = way.hands(helpdesk);
  await onlyTheirSystem(helpdesk);

  // Filter.
  await open(helpdesk, '/sessions', way);
  await hands.press(helpdesk.locator('summary', { hasText: /^Filters/ }));
  await hands.tick(helpdesk.getByRole('group', { name: 'Kind' }).getByLabel('Portal'));
  await hands.press(helpdesk.getByRole('button', { name: 'Show sessions' }));
  await expect(helpdesk).toHaveURL(/kind=portal/);
  for (const guest of guests) await eventually(helpdesk, () => row(helpdesk, guest.login), way);

  // Select and preview: two of the three.
  const wanted = guests.slice(0, 2);
  for (const guest of wanted) await hands.tick(box(row(helpdesk, guest.login)));
  await preview(helpdesk, hands, 2, way);
  await expect(helpdesk.getByRole('heading', { level: 1 })).toContainText('End 2 sessions');

  // End with a reason; every session is read back.
  await confirm(helpdesk, hands, 2, 'Lost laptops, ticket 4711');
  await expect(helpdesk).toHaveURL(/\/endings\/\d+$/);
  await settled(helpdesk, /All 2 sessions are gone/, way);
  for (const guest of wanted) await expect(item(helpdesk, guest.login)).toContainText('Ended');

  // Their browsers land on the sign-in page at the next click; the third does not.
  for (const [at, browser] of browsers.entries()) {
    await nextClick(browser);
    if (at < 2) await expect(browser).toHaveURL(/\/sign-in/);
    else await expect(browser.getByLabel('User name')).toHaveCount(0);
  }

  // One system lies, one lets the person straight back in: neither is simply ended.
  const admin = await people.signedIn('administrator', options);
  const theirs = way.hands(admin);
  await tickAllOf(admin, theirs, LIED_ABOUT, 'uPortal campus', way);
  await tickAllOf(admin, theirs, LET_BACK_IN, 'Keycloak staff', way);
  await preview(admin, theirs, undefined, way);
  await confirm(admin, theirs, undefined, 'They left the house');
  await expect(admin).toHaveURL(/\/endings\/\d+$/);
  await settled(admin, /gone/, way);
  await eventually(admin, () => item(admin, LET_BACK_IN).filter({ hasText: 'Came back' }), way);
  await expect(item(admin, LIED_ABOUT).first()).toContainText('Still there');
  await expect(item(admin, LIED_ABOUT).filter({ hasText: /\bEnded\b/ })).toHaveCount(0);

  // The audit shows all of it, and its chain holds.
  await open(admin, '/audit', way);
  const entries = admin.getByRole('table', { name: /Audit entries/ });
  for (const reason of ['Lost laptops, ticket 4711', 'They left the house']) {
    await expect(entries.getByRole('row').filter({ hasText: reason }).first()).toBeVisible();
  }
  const verified = await portal.curfew('audit', 'verify');
  expect(verified.code, verified.output).toBe(0);
}

/** ui_k2, in part: one system, in the strip and in the rows, and none more by writing the address. */
async function onlyTheirSystem(page: Page): Promise<void> {
  await page.goto('/sessions');
  const strip = page.getByRole('navigation', { name: 'Systems' });
  // "All systems" and their own.
  await expect(strip.getByRole('link')).toHaveCount(2);
  await expect(strip.getByRole('link').nth(1)).toContainText('Curfew');
  await expect(rows(page).first()).toBeVisible();
  await expect(rows(page).filter({ hasNotText: 'Curfew' })).toHaveCount(0);
  await page.goto('/sessions?system=keycloak-staff');
  await expect(rows(page)).toHaveCount(0);
}

export async function open(page: Page, path: string, way: { script: boolean }): Promise<void> {
  await page.goto(path);
  if (way.script) await hydrated(page);
}

/** Rows of the list of sessions. */
export function rows(page: Page): Locator {
  return page.getByRole('table', { name: /^Sessions, sorted by/ }).locator('tbody').getByRole('row');
}

/** Rows of the list whose person signs in by that name. */
export function row(page: Page, login: string): Locator {
  return rows(page).filter({ has: page.getByText(login, { exact: true }) });
}

export function box(of: Locator): Locator {
  return of.getByRole('checkbox');
}

/** Rows of an ending about that person. */
export function item(page: Page, login: string): Locator {
  return page.getByRole('table', { name: 'Sessions of this ending' }).getByRole('row').filter({
    has: page.getByText(login, { exact: true }),
  });
}

/** Waits for what a later reading will bring, reading again as a person would. */
async function eventually(page: Page, what: () => Locator, way: Way): Promise<void> {
  await expect(async () => {
    if ((await what().count()) === 0) {
      await page.reload();
      if (way.script) await hydrated(page);
    }
    expect(await what().count()).toBeGreaterThan(0);
  }).toPass({ timeout: 30_000, intervals: [500, 1_000] });
}

async function settled(page: Page, heading: RegExp, way: Way): Promise<void> {
  const title = page.getByRole('heading', { level: 1 });
  if (way.script) {
    // ui_f1: the page follows by itself.
    await expect(title).toHaveText(heading, { timeout: 45_000 });
  } else {
    await expect(async () => {
      await page.reload();
      await expect(title).toHaveText(heading, { timeout: 100 });
    }).toPass({ timeout: 45_000, intervals: [500, 1_000] });
  }
}

/** Searches for a person in one system and ticks every session found. */
async function tickAllOf(page: Page, hands: Hands, login: string, system: string, way: Way): Promise<void> {
  const kept = /[?&]sel=[^&]+/.exec(page.url())?.[0].slice(1);
  await open(page, `/sessions${kept ? `?${kept}` : ''}`, way);
  await hands.write(page.getByLabel('Search sessions'), login);
  await hands.press(page.getByRole('button', { name: 'Search', exact: true }));
  await expect(page).toHaveURL(new RegExp(`q=${login}`));
  const found = row(page, login).filter({ hasText: system });
  await expect(found.first()).toBeVisible();
  for (const one of await found.all()) await hands.tick(box(one));
  if (way.script) await expect(page).toHaveURL(/sel=/);
  else await hands.press(page.getByRole('button', { name: 'Keep the ticks' }).last());
  await expect(page).toHaveURL(/sel=/);
}

async function preview(page: Page, hands: Hands, count: number | undefined, way: Way): Promise<void> {
  const name = way.script ? new RegExp(`^End ${count ?? '\\d+'} sessions?…$`) : 'End ticked sessions…';
  await hands.press(page.getByRole('button', { name }));
  await expect(page).toHaveURL(/\/endings\/preview\//);
  if (way.script) await hydrated(page);
}

async function confirm(page: Page, hands: Hands, count: number | undefined, reason: string): Promise<void> {
  await hands.write(page.getByLabel('Reason'), reason);
  await hands.press(page.getByRole('button', { name: new RegExp(`^End ${count ?? '\\d+'} sessions?$`) }));
}

/** Follows a link of the page, or of the notice that lies over it once the page found out by itself. */
async function nextClick(browser: Page): Promise<void> {
  const told = browser.getByRole('alertdialog', { name: 'You are signed out' });
  const home = browser.getByRole('banner').getByRole('link', { name: /Curfew/ }).first();
  await expect(async () => {
    const link = (await told.isVisible()) ? told.getByRole('link', { name: 'Sign in' }) : home;
    await link.click({ timeout: 1_000 });
  }).toPass({ timeout: 10_000 });
}
