// What a person feels of every page: focus, motion, theme, words, waiting, and the end of their own sign-in.

import { box, open, QUICK, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };

test.use({ settings: QUICK });

async function preview(page: Page): Promise<void> {
  await open(page, '/sessions?system=keycloak-staff', SCRIPT);
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await page.getByRole('button', { name: 'End 1 session…' }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
}

test('ui_e2 ui_g4 a preview has an address that opens for its maker only, and focus ends at the result', async ({
  people,
  watch,
}) => {
  watch.allow(/status of 404/);
  const page = await people.signedIn('administrator');
  await preview(page);
  for (const other of ['helpdesk', 'auditor'] as const) {
    const visitor = await people.signedIn(other);
    expect((await visitor.goto(page.url()))!.status(), other).toBe(404);
    await expect(visitor.getByRole('button', { name: /^End/ })).toHaveCount(0);
  }
  await page.getByLabel('Reason').fill('To see where focus goes');
  await page.getByRole('button', { name: 'End 1 session', exact: true }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  const title = page.getByRole('heading', { level: 1 });
  await expect(title).toHaveText('The session is gone', { timeout: 20_000 });
  await expect(title).toBeFocused();
});

test('ui_g4 closing filters gives focus back to what opened them', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  for (const words of [/^Filters/, /of \d+ columns/]) {
    const summary = page.locator('summary', { hasText: words });
    await summary.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expect(summary).not.toBeFocused();
    await page.keyboard.press('Escape');
    await expect(summary).toBeFocused();
  }
});

test('ui_h7 nothing moves for who asked for it, and the end of a sign-in is said early and put off', async ({ people }) => {
  const page = await people.signedIn('administrator', { reducedMotion: 'reduce' });
  await page.clock.install();
  await open(page, '/sessions', SCRIPT);
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter((element) => {
        const style = getComputedStyle(element);
        const lengths = `${style.transitionDuration}, ${style.animationDuration}`.split(', ');
        return lengths.some((length) => parseFloat(length) > 0);
      })
      .map((element) => element.outerHTML.slice(0, 80)),
  );
  expect(moving).toEqual([]);
  const dialog = page.getByRole('alertdialog');
  await expect(dialog).toBeHidden();
  // A sign-in ends after 15 minutes without activity; at 13 there are two left.
  await page.clock.fastForward('12:50');
  await expect(dialog).toBeVisible();
  await expect(dialog).toContainText('You will be signed out in 2 min');
  await dialog.getByRole('button', { name: 'Stay signed in' }).click();
  await expect(dialog).toBeHidden();
});

test('ui_c5 ages age by themselves, the whole moment is behind them, and can be what is shown', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await page.clock.install();
  await open(page, '/sessions?system=tableau-analytics&sort=active&dir=asc', SCRIPT);
  const time = rows(page).first().locator('.col-last_activity time');
  await expect(time).toHaveText(/^\d h ago$/);
  const hours = Number((await time.innerText()).split(' ')[0]);
  await expect(time).toHaveAttribute('datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
  const behind = () => time.evaluate((element) => getComputedStyle(element, '::after').content);
  expect(await behind()).toBe('none');
  await time.hover();
  expect(await behind()).toMatch(/\d{4}, \d\d:\d\d:\d\d UTC/);
  await page.mouse.move(0, 0);
  // By keyboard: from the row's box along the row.
  await box(rows(page).first()).focus();
  for (let stops = 0; stops < 12 && !(await time.evaluate((element) => element === document.activeElement)); stops++) {
    await page.keyboard.press('ArrowRight');
  }
  await expect(time).toBeFocused();
  expect(await behind()).toMatch(/\d{4}, \d\d:\d\d:\d\d UTC/);
  await page.clock.fastForward('01:00:00');
  await expect(time).toHaveText(`${hours + 1} h ago`);

  const other = await people.signedIn('administrator');
  await open(other, '/account', SCRIPT);
  await other.getByLabel('21 Nov 03:12:40').check();
  await other.getByRole('button', { name: 'Save times' }).click();
  await expect(other.locator('#clock')).toHaveAttribute('data-times', 'absolute');
  await open(other, '/sessions', SCRIPT);
  await expect(rows(other).first().locator('.col-last_activity time')).toHaveText(/^\d+ \w{3} \d\d:\d\d:\d\d$/);
});

test('ui_i3 what loads long is told after 300 ms, and the page stays in place until then', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  let answer = () => {};
  const held = new Promise<void>((done) => (answer = done));
  await page.route('**/endings', async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('banner').getByRole('link', { name: 'Endings' }).click();
  const busy = page.locator('main[aria-busy="true"]');
  await expect(busy).toBeVisible({ timeout: 2_000 });
  await expect(rows(page)).toHaveCount(100);
  await expect(page.getByRole('banner').getByRole('link', { name: 'Systems' })).toBeVisible();
  answer();
  await expect(busy).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1, name: 'Endings' })).toBeVisible();
});

test('ui_j1 the chosen theme is the person’s, in any browser, and there from the first byte', async ({ people }) => {
  const one = await people.signedIn('administrator', { colorScheme: 'light' });
  await open(one, '/sessions', SCRIPT);
  await one.locator('summary[aria-label="Theme"]').click();
  await one.getByRole('button', { name: 'Dark' }).click();
  const dark = 'rgb(11, 14, 21)';
  await expect(one.locator('html')).toHaveCSS('background-color', dark);
  // Without script nothing could correct a wrong first picture.
  const two = await people.signedIn('administrator', { colorScheme: 'light', javaScriptEnabled: false });
  const response = await two.goto('/systems');
  expect(await response!.text()).toMatch(/<html[^>]*data-theme="dark"/);
  await expect(two.locator('html')).toHaveCSS('background-color', dark);
});
