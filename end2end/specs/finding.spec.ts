// Finding sessions, and taking a list away: what the box understands, facets, groups, moments, pasted lists, views, files.

import { readFile } from 'node:fs/promises';

import { open, rows } from '../lib/journey';
import { accessible, expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };
const DOMO = '/sessions?system=domo-northwind';

const said = (page: Page) => page.locator('.list-count');
const number = async (page: Page) => Number((await said(page).locator('b').last().innerText()).replaceAll(',', ''));
const fold = (page: Page, name: string) => page.locator('summary', { hasText: name });

test('ui_B5 domo_B7 domo_P9 what is typed becomes filters, and a bad part is named and lists nothing', async ({
  people,
  watch,
}) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  const box = page.getByRole('combobox', { name: 'Search sessions' });
  await box.fill('user:many system:domo-northwind');
  await box.press('Enter');
  const chips = page.getByRole('group', { name: 'Filters in force' });
  await expect(chips.getByRole('link', { name: /^Take off/ })).toHaveCount(2);
  await expect(rows(page)).toHaveCount(12);
  await box.fill('user:many foo:bar');
  await box.press('Enter');
  await expect(page.getByText('there is no filter “foo”')).toBeVisible();
  await expect(rows(page)).toHaveCount(0);
  await accessible(page, 'a bad term');
});

test('ui_B5 the box goes on with words and values, by keyboard', async ({ people, watch }) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  const box = page.getByRole('combobox', { name: 'Search sessions' });
  await box.pressSequentially('system:dom');
  const choice = page.getByRole('option', { name: /domo-northwind/ });
  await expect(choice).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  // A whole term asks for the list at once, and is a chip then.
  await expect(page).toHaveURL(/system(:|%3A|=)domo-northwind/);
  await expect(page.getByRole('link', { name: 'Take off: System Domo northwind' })).toBeVisible();
});

test('ui_B7 each count beside a filter is the number of the list behind it', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, `${DOMO}&open=kind`, SCRIPT);
  const value = page.locator('label', { hasText: /^Mobile/ });
  const count = Number((await value.innerText()).replace(/\D/g, ''));
  expect(count).toBeGreaterThan(0);
  await value.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Show sessions' }).click();
  await expect(page).toHaveURL(/kind=mobile/);
  await expect.poll(() => number(page)).toBe(count);
});

test('domo_B3 domo_B4 domo_B5 domo_B9 Domo’s columns in their order, moments and never year 1', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, DOMO, SCRIPT);
  const heads = page.getByRole('table', { name: /^Sessions, sorted by last activity/ }).locator('thead th .sort');
  expect((await heads.allInnerTexts()).map((text) => text.trim())).toEqual([
    'Person',
    'Kind',
    'System',
    'Session',
    'IP address',
    'Started',
    'Last activity',
    'Idle ends',
    'Ends at latest',
    'Client',
  ]);
  await expect(page.locator('th[aria-sort=descending]')).toHaveAccessibleName('Last activity');
  await expect(page.locator('.rows-form')).not.toContainText('0001');
  await expect(rows(page).first()).toContainText('Never proven on a real Domo');
});

test('domo_B8 the head of a column opens the filter of that column', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, DOMO, SCRIPT);
  await page.getByRole('button', { name: 'Filter IP address' }).click();
  await expect(page.getByLabel('IP address or network')).toBeFocused();
  await accessible(page, 'the filters of a column');
});

test('ui_C8 groups count what they hold, and one is selected whole', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?group=system', SCRIPT);
  const domo = page.getByRole('row', { name: /Domo northwind/ });
  const button = domo.getByRole('button', { name: /^Select all \d+$/ });
  await accessible(page, 'groups');
  await button.click();
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText(/2\d\d sessions that match.* 1 system/);
});

test('as of a moment: who was on then, and nothing of it can be selected', async ({ people }) => {
  const page = await people.signedIn('administrator');
  const at = new Date(Date.now() - 60_000).toISOString().slice(0, 16);
  await open(page, `${DOMO}&at=${at}`, SCRIPT);
  await expect(page.getByRole('checkbox', { name: 'Select this page' })).toBeDisabled();
  await expect(page.getByRole('checkbox').and(page.locator('tbody :enabled'))).toHaveCount(0);
  await accessible(page, 'a moment');
});

test('a pasted list finds its people and names who matches nothing', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  await fold(page, 'Paste a list').click();
  await page.getByLabel('People or IP addresses').fill('d.volkov\nnobody.at.all\n');
  await page.getByRole('button', { name: 'Show their sessions' }).click();
  await expect(page.getByText('nobody.at.all', { exact: false }).first()).toBeVisible();
  await expect(rows(page).first()).toContainText('d.volkov');
});

test('ui_J4 domo_P22 the list leaves as a file of exactly its rows, and the log says so', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, `${DOMO}&kind=mobile`, SCRIPT);
  const count = await number(page);
  await fold(page, 'Export').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /CSV/ }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/);
  expect(lines.length - 1).toBe(count);
  await page.goto('/audit');
  await expect(page.locator('main')).toContainText(/export/i);
});

test('ui_C4 rows are compact for the person who wants them, in any browser', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  await fold(page, 'Density').click();
  await page.getByRole('button', { name: 'Compact' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-density', 'compact');
  const other = await people.signedIn('administrator');
  await open(other, '/sessions', SCRIPT);
  await expect(other.locator('html')).toHaveAttribute('data-density', 'compact');
});

test('ui_G2 single keys search, walk and list themselves, never while somebody types, and can be switched off', async ({
  people,
}) => {
  const page = await people.signedIn('administrator');
  await open(page, DOMO, SCRIPT);
  await page.keyboard.press('/');
  const box = page.getByRole('combobox', { name: 'Search sessions' });
  await expect(box).toBeFocused();
  await page.keyboard.type('?');
  await expect(box).toHaveValue('?');
  // Another address: the same one again would give the box its focus back.
  await open(page, `${DOMO}&sort=started`, SCRIPT);
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText('1 session selected');
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await expect(keys).toBeVisible();
  await accessible(page, 'the list of keys');
  await keys.getByRole('button', { name: 'Switch off' }).click();
  await page.waitForURL(/sessions/);
  await hydrated(page);
  await page.keyboard.press('/');
  await expect(box).not.toBeFocused();
});
