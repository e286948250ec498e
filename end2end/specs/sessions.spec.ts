// The list: addresses, filters, selection, and what a page keeps when one goes away and comes back.

import { box, open, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };

const names = (page: Page) => rows(page).getByRole('rowheader').allInnerTexts();

test('ui_b1 an address shows the same list in another browser with the same rights', async ({ people }) => {
  const address = '/sessions?system=domo-northwind&kind=web&sort=person&dir=asc';
  const one = await people.signedIn('administrator');
  const two = await people.signedIn('administrator');
  await open(one, address, SCRIPT);
  await open(two, one.url(), SCRIPT);
  const seen = await names(one);
  expect(seen.length).toBeGreaterThan(10);
  expect(await names(two)).toEqual(seen);
});

test('ui_b3 filters in force are chips, each can be taken off, one link clears all', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind&kind=mobile&q=a', SCRIPT);
  const chips = page.getByRole('group', { name: 'Filters in force' });
  await expect(chips.getByRole('link', { name: /^Take off/ })).toHaveCount(3);
  await chips.getByRole('link', { name: /^Take off: Kind/ }).click();
  await expect(page).not.toHaveURL(/kind=/);
  await expect(chips.getByRole('link', { name: /^Take off/ })).toHaveCount(2);
  await chips.getByRole('link', { name: 'Clear 2 filters' }).click();
  await expect(page).not.toHaveURL(/system=|q=/);
  await expect(chips).toHaveCount(0);
});

test('ui_b8 a filter that was not understood lists nothing, never more', async ({ people, watch }) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator');
  await page.goto('/sessions?ip=10.0.0.0/99');
  await expect(page.getByRole('alert').filter({ hasText: 'ip' })).toBeVisible();
  await expect(rows(page)).toHaveCount(0);
});

test('ui_c1 ui_c2 every column sorts, and the head says how @owed', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind', SCRIPT);
  const heads = page.getByRole('columnheader').filter({ has: page.getByRole('button') });
  const labels = await heads.getByRole('button').allInnerTexts();
  expect(labels.length).toBeGreaterThanOrEqual(6);
  for (const label of labels) {
    const head = page.getByRole('columnheader', { name: label.trim(), exact: true });
    await head.getByRole('button').click();
    await expect(head).toHaveAttribute('aria-sort', /ascending|descending/);
    await expect(page.locator('[aria-sort]')).toHaveCount(1);
    await expect(page).toHaveURL(/system=domo-northwind/);
  }
});

test('ui_d1 ui_d2 the page and everything that matches are two different things', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind', SCRIPT);
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await expect(bar).toHaveCount(0);
  await page.getByRole('checkbox', { name: 'Select this page' }).check();
  await expect(bar).toContainText('100 sessions selected');
  await bar.getByRole('button', { name: /^Select all \d+ that match$/ }).click();
  await expect(bar).toContainText(/\d{3} sessions that match/);
  await bar.getByRole('button', { name: 'Clear' }).click();
  await expect(bar).toHaveCount(0);
});

test('ui_d2 a selection survives the next page and another sort', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind&sort=person&dir=asc', SCRIPT);
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await expect(bar).toContainText('1 session selected');
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await expect(page).toHaveURL(/cursor=|after=|page=/);
  await expect(bar).toContainText('1 session selected');
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await expect(bar).toContainText('2 sessions selected');
  await page.getByRole('columnheader', { name: 'System' }).getByRole('button').click();
  await expect(page).toHaveURL(/sort=system/);
  await expect(bar).toContainText('2 sessions selected');
});

test('ui_a6 back and forward bring the list and the selection back @owed', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind', SCRIPT);
  await box(rows(page)).and(page.locator(':enabled')).nth(3).check();
  await expect(page).toHaveURL(/sel=/);
  const before = await names(page);
  await page.getByRole('navigation').getByRole('link', { name: 'Systems' }).first().click();
  await expect(page).toHaveURL(/\/systems/);
  await page.goBack();
  await expect(page).toHaveURL(/\/sessions.*sel=/);
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText('1 session selected');
  expect(await names(page)).toEqual(before);
});

test('ui_c3 chosen columns are kept for the person, in any browser @owed', async ({ people }) => {
  const one = await people.signedIn('administrator');
  await open(one, '/sessions', SCRIPT);
  await expect(one.getByRole('columnheader', { name: 'IP' })).toBeVisible();
  await one.locator('summary', { hasText: /of \d+ columns/ }).click();
  await one.getByRole('checkbox', { name: 'IP', exact: true }).uncheck();
  await one.getByRole('button', { name: /^(Show|Save|Use)/ }).first().click();
  await expect(one.getByRole('columnheader', { name: 'IP' })).toHaveCount(0);
  const two = await people.signedIn('administrator');
  await open(two, '/sessions', SCRIPT);
  await expect(two.getByRole('columnheader', { name: 'IP' })).toHaveCount(0);
});

test('ui_h4 the number of matches is said once, politely', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  await page.getByLabel('Search sessions').fill('rtables');
  await expect(page).toHaveURL(/q=rtables/);
  await expect(page.locator('[aria-live="polite"], [role="status"]').filter({ hasText: /match/ }).first()).toHaveText(
    /\d+ sessions? match(es)?/,
  );
});

test('ui_i5 an ended sign-in keeps what was typed and sends nothing by itself @owed', async ({ people, watch }) => {
  watch.allow(/status of 401|\/live\b/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=domo-northwind', SCRIPT);
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await page.getByRole('button', { name: 'End 1 session…' }).click();
  await hydrated(page);
  const preview = page.url();
  await page.getByLabel('Reason').fill('Typed before the sign-in ended');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'End 1 session', exact: true }).click();
  await people.signIn(page, 'administrator');
  await expect(page).toHaveURL(preview);
  await expect(page.getByLabel('Reason')).toHaveValue('Typed before the sign-in ended');
});
