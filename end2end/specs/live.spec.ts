// A list that stays current and stands still, and the way to everything by its name.

import { box, open, QUICK, row, rows } from '../lib/journey';
import { accessible, expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };
const MOODLE = 'moodle-campus';

test.use({ settings: QUICK });

type Session = { id: string; place: string };

const fresh = (page: Page) => page.getByRole('button', { name: /^\d+\+? new$/ });
const pause = (page: Page) => page.getByRole('button', { name: /^(Pause|Go on)$/ });
const keys = (page: Page) => rows(page).evaluateAll((all) => all.map((one) => one.getAttribute('data-key')));
const top = (page: Page, key: string) =>
  page.locator(`tr[data-key="${key}"]`).evaluate((one) => Math.round(one.getBoundingClientRect().top));

test('ui_I1 new rows wait behind a button, cells change in place, and no row moves', async ({ portal, people }) => {
  const page = await people.signedIn('administrator');
  const signIn = (account: string) => portal.ask<Session>(MOODLE, '/sessions', { account_id: account });
  const theirs = [await signIn('stands.still'), await signIn('goes.away')];
  await expect(async () => {
    await open(page, `/sessions?system=${MOODLE}&sort=started`, SCRIPT);
    await expect(row(page, 'goes.away')).toHaveCount(1, { timeout: 200 });
  }).toPass({ timeout: 20_000 });
  await expect(pause(page)).toHaveText('Pause');
  const before = await keys(page);
  const still = row(page, 'stands.still');
  await box(still).focus();
  await row(page, 'goes.away').hover();
  const key = (await still.getAttribute('data-key'))!;
  const at = await top(page, key);
  const read = still.locator('.col-system time');
  const age = await read.getAttribute('datetime');

  // One comes, one goes: neither moves a row.
  await signIn('comes.late');
  await portal.ask(MOODLE, '/sessions/end', { sessions: [[theirs[1].id, theirs[1].place]] });
  await expect(fresh(page)).toHaveText('1 new', { timeout: 15_000 });
  await expect(row(page, 'goes.away')).toContainText('Gone when read', { timeout: 15_000 });
  await expect(row(page, 'goes.away').getByRole('checkbox')).toBeDisabled();
  expect(await keys(page)).toEqual(before);
  await expect(read).not.toHaveAttribute('datetime', age!);
  await expect(box(still)).toBeFocused();
  expect(await top(page, key)).toBe(at);
  await accessible(page, 'new rows wait');

  // A system that fails puts a note above the list: the row a person is at stays where it is.
  await portal.faults('uportal-campus', { list: 'down' });
  await expect(page.locator('#notes .note')).toBeVisible({ timeout: 20_000 });
  expect(await top(page, key)).toBe(at);
  await portal.faults('uportal-campus', {});
  await expect(page.locator('#notes .note')).toHaveCount(0, { timeout: 20_000 });
  expect(await top(page, key)).toBe(at);

  await fresh(page).click();
  await expect(row(page, 'comes.late')).toHaveCount(1);
  await expect(row(page, 'goes.away')).toHaveCount(0);
  await expect(fresh(page)).toHaveCount(0);
});

test('ui_I1 a paused list stands still until it is let go on, also over another filter', async ({ portal, people }) => {
  const page = await people.signedIn('administrator');
  await open(page, `/sessions?system=${MOODLE}&sort=started`, SCRIPT);
  await pause(page).click();
  await expect(pause(page)).toHaveText('Go on');
  await portal.ask(MOODLE, '/sessions', { account_id: 'comes.late' });
  await page.waitForTimeout(6_000);
  await expect(fresh(page)).toHaveCount(0);
  // Kept while on the page, whatever is asked of it.
  await page.getByRole('link', { name: /^All systems/ }).click();
  await expect(page).not.toHaveURL(/system=/);
  await expect(pause(page)).toHaveText('Go on');
  await page.goBack();
  await expect(page).toHaveURL(/system=/);
  await portal.ask(MOODLE, '/sessions', { account_id: 'comes.later' });
  await page.waitForTimeout(5_000);
  await expect(fresh(page)).toHaveCount(0);
  await pause(page).click();
  await expect(fresh(page)).toBeVisible({ timeout: 10_000 });
  // A page that was left and opened again is live.
  await pause(page).click();
  await page.getByRole('banner').getByRole('link', { name: 'Systems' }).click();
  await expect(page).toHaveURL(/\/systems/);
  await page.goBack();
  await expect(pause(page)).toHaveText('Pause');
});

test('ui_I1 ticks, an open filter and what is being typed outlive the changes of the list', async ({ portal, people }) => {
  const page = await people.signedIn('administrator');
  await open(page, `/sessions?system=${MOODLE}&sort=started`, SCRIPT);
  const first = box(rows(page)).and(page.locator(':enabled')).first();
  await first.check();
  await expect(page).toHaveURL(/sel=/);
  await page.locator('summary', { hasText: /of \d+ columns/ }).click();
  const search = page.getByLabel('Search sessions');
  await search.fill('user:');
  await portal.ask(MOODLE, '/sessions', { account_id: 'comes.late' });
  await expect(fresh(page)).toBeVisible({ timeout: 15_000 });
  await expect(first).toBeChecked();
  await expect(search).toHaveValue('user:');
  await expect(page.getByRole('button', { name: 'Apply' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText('1 session');
});

test('ui_I2 a list that lost its line says so, reads by itself, and catches up', async ({ portal, people, watch }) => {
  watch.allow(/\/live\b|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_FAILED/);
  const page = await people.signedIn('administrator');
  let cut = false;
  await page.route('**/live?**', (route) => (cut ? route.abort() : route.continue()));
  await open(page, `/sessions?system=${MOODLE}&sort=started`, SCRIPT);
  const before = await keys(page);
  // The line breaks with the portal, and comes back only when it is let through.
  cut = true;
  await portal.crashAndRestart();
  const lost = page.getByText('Live updates stopped. Reading again every 10 s.');
  await expect(lost).toBeVisible({ timeout: 5_000 });
  await portal.ask(MOODLE, '/sessions', { account_id: 'comes.late' });
  await expect(fresh(page)).toBeVisible({ timeout: 25_000 });
  expect(await keys(page)).toEqual(before);
  cut = false;
  await expect(lost).toBeHidden({ timeout: 15_000 });
  await fresh(page).click();
  await expect(row(page, 'comes.late')).toHaveCount(1);
  const now = await keys(page);
  expect(new Set(now).size).toBe(now.length);
});

test('ui_D3 Shift and x select from the row before to this one', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=keycloak-staff&sort=person', SCRIPT);
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await expect(bar).toContainText('1 session selected');
  for (let steps = 0; steps < 3; steps++) await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  const ticked = page.locator('tbody input[name=row]:checked');
  const boxes = page.locator('tbody input[name=row]');
  await expect(ticked).toHaveCount(4);
  for (const at of [0, 1, 2, 3]) await expect(boxes.nth(at)).toBeChecked();
  await expect(bar).toContainText('4 sessions selected');
});

test('ui_G3 ui_G4 the palette finds what one may see, by keyboard, and gives focus back', async ({ people, watch }) => {
  watch.allow(/status of 403/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=keycloak-staff', SCRIPT);
  const search = page.getByLabel('Search sessions');
  await search.focus();
  await page.keyboard.press('Control+k');
  const dialog = page.getByRole('dialog', { name: 'Go to…' });
  const field = dialog.getByRole('textbox');
  await expect(field).toBeFocused();
  await expect(dialog.getByRole('link', { name: /^Export this list as CSV/ })).toHaveAttribute(
    'href',
    /export\.csv\?system=keycloak-staff/,
  );
  await expect(dialog.getByRole('link', { name: 'Pause all endings…' })).toHaveAttribute('href', '/endings');
  // It leads; nothing in it acts.
  await expect(dialog.locator('form')).toHaveCount(1);
  await expect(dialog.locator('form')).toHaveAttribute('method', 'get');
  await accessible(page, 'the palette');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(search).toBeFocused();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('hohen');
  const person = dialog.getByRole('link', { name: /Hohenlohe/ }).first();
  await expect(person).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await expect(dialog.getByRole('link').first()).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(field).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/sessions\?account=/);
  await expect(dialog).toBeHidden();
  await expect(rows(page).first()).toContainText('Hohenlohe');

  // A page by its name, from a link of the bar.
  await page.getByRole('banner').getByRole('link', { name: 'Go to…' }).click();
  await field.fill('audit');
  await dialog.getByRole('link', { name: /^Audit/ }).click();
  await expect(page).toHaveURL(/\/audit$/);

  // A helper finds what is theirs and nothing else.
  const helper = await people.signedIn('helpdesk');
  await open(helper, '/sessions', SCRIPT);
  await helper.keyboard.press('Control+k');
  const theirs = helper.getByRole('dialog', { name: 'Go to…' });
  await helper.keyboard.type('hohen');
  await expect(theirs.getByRole('link', { name: 'Sessions with “hohen”' })).toBeVisible();
  await expect(theirs.getByRole('link', { name: /Hohenlohe/ })).toHaveCount(0);
  await theirs.getByRole('textbox').fill('keycloak');
  await expect(theirs.getByRole('link', { name: 'Sessions with “keycloak”' })).toBeVisible();
  await expect(theirs.getByRole('link', { name: /Keycloak staff/ })).toHaveCount(0);
  await theirs.getByRole('textbox').fill('audit');
  await expect(theirs.getByRole('link', { name: 'Sessions with “audit”' })).toBeVisible();
  await expect(theirs.getByRole('link', { name: /^Audit/ })).toHaveCount(0);
});

test('ui_G3 without script it is a page with an address', async ({ people }) => {
  const page = await people.signedIn('administrator', { javaScriptEnabled: false });
  await page.goto('/sessions?kind=mobile');
  await page.getByRole('banner').getByRole('link', { name: 'Go to…' }).click();
  await expect(page).toHaveURL(/\/go\?list=/);
  await expect(page.getByRole('link', { name: 'Export this list as CSV' })).toHaveAttribute('href', /export\.csv\?kind=mobile/);
  await page.getByRole('textbox', { name: /Person, system/ }).fill('domo');
  await page.getByRole('button', { name: 'Find' }).click();
  await expect(page).toHaveURL(/[?&]q=domo/);
  await page.getByRole('link', { name: /Domo northwind/ }).click();
  await expect(page).toHaveURL(/\/sessions\?system=domo-northwind/);
});

test('ui_B5 domo is enough for Domo northwind, with and without a minus', async ({ people, watch }) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?q=system:domo', SCRIPT);
  await expect(page.getByRole('link', { name: 'Take off: System Domo northwind' })).toBeVisible();
  await expect(rows(page).first()).toContainText('Domo northwind');
  await open(page, '/sessions?q=-system:domo', SCRIPT);
  await expect(rows(page).filter({ hasText: 'Domo northwind' })).toHaveCount(0);
  await expect(rows(page).first()).toBeVisible();
  await open(page, '/sessions?q=system:dmo', SCRIPT);
  await expect(page.getByText('“dmo” is no system in your list. Yours are cas-campus, curfew, domo-northwind')).toBeVisible();
  await expect(rows(page)).toHaveCount(0);
  await hydrated(page);
});
