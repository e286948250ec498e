// The list: addresses, filters, selection, and what a page keeps when one goes away and comes back.

import { box, open, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };

const names = (page: Page) => rows(page).getByRole('rowheader').allInnerTexts();

test('ui_b1 an address shows the same list in another browser with the same rights', async ({ people }) => {
  const address = '/sessions?system=moodle-campus&kind=web&sort=person&dir=asc';
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
  await open(page, '/sessions?system=moodle-campus&kind=mobile&q=a', SCRIPT);
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

test('ui_c1 ui_c2 every column sorts, and the head says how', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=moodle-campus', SCRIPT);
  const table = page.getByRole('table', { name: /^Sessions, sorted by/ });
  const heads = table.getByRole('columnheader').filter({ has: page.getByRole('button') });
  const labels = await heads.getByRole('button', { name: /^(?!Filter )/ }).allInnerTexts();
  expect(labels.length).toBeGreaterThanOrEqual(6);
  for (const label of labels) {
    const head = table.getByRole('columnheader', { name: label.trim(), exact: true });
    await head.getByRole('button', { name: label.trim(), exact: true }).click();
    await expect(head).toHaveAttribute('aria-sort', /ascending|descending/);
    await expect(table.locator('[aria-sort]')).toHaveCount(1);
    await expect(page).toHaveURL(/system=moodle-campus/);
  }
});

test('ui_d1 ui_d2 the page and everything that matches are two different things', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=moodle-campus', SCRIPT);
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
  await open(page, '/sessions?system=moodle-campus&sort=person&dir=asc', SCRIPT);
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await expect(bar).toContainText('1 session selected');
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await expect(page).toHaveURL(/cursor=|after=|page=/);
  await expect(bar).toContainText('1 session selected');
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await expect(bar).toContainText('2 sessions selected');
  await page.getByRole('columnheader', { name: 'System' }).getByRole('button', { name: 'System', exact: true }).click();
  await expect(page).toHaveURL(/sort=system/);
  await expect(bar).toContainText('2 sessions selected');
});

test('ui_a6 back and forward bring the list and the selection back', async ({ people }) => {
  const page = await people.signedIn('administrator');
  // By person: by activity it would be another list a moment later, and of the oldest most are about to end by themselves.
  await open(page, '/sessions?system=moodle-campus&sort=person&dir=asc', SCRIPT);
  const ticked = box(rows(page)).and(page.locator(':enabled')).nth(3);
  const id = await ticked.getAttribute('id');
  await ticked.check();
  await expect(page).toHaveURL(/sel=/);
  const before = await names(page);
  await page.getByRole('navigation').getByRole('link', { name: 'Systems' }).first().click();
  await expect(page).toHaveURL(/\/systems/);
  await page.goBack();
  await expect(page).toHaveURL(/\/sessions.*sel=/);
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText('1 session selected');
  await expect(page.locator(`[id="${id}"]`)).toBeChecked();
  // Read anew: the demo's people come and go meanwhile.
  const now = await names(page);
  expect(before.filter((name) => now.includes(name)).length).toBeGreaterThan(90);
});

test('ui_c3 chosen columns are kept for the person, in any browser', async ({ people }) => {
  const one = await people.signedIn('administrator');
  await open(one, '/sessions', SCRIPT);
  await expect(one.getByRole('columnheader', { name: 'IP address' })).toBeVisible();
  await one.locator('summary', { hasText: /of \d+ columns/ }).click();
  await one.getByRole('checkbox', { name: 'IP address', exact: true }).uncheck();
  await one.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(one.getByRole('columnheader', { name: 'IP address' })).toHaveCount(0);
  const two = await people.signedIn('administrator');
  await open(two, '/sessions', SCRIPT);
  await expect(rows(two).first()).toBeVisible();
  await expect(two.getByRole('columnheader', { name: 'IP address' })).toHaveCount(0);
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

test('ui_i5 an ended sign-in keeps what was typed and sends nothing by itself', async ({ people, watch }) => {
  watch.allow(/status of 401|\/live\b/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=moodle-campus', SCRIPT);
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await page.getByRole('button', { name: 'End 1 session…' }).click();
  await hydrated(page);
  const preview = page.url();
  await page.getByLabel('Reason').fill('Typed before the sign-in ended');
  const elsewhere = await people.signedIn('administrator');
  await open(elsewhere, '/account', SCRIPT);
  await elsewhere.getByRole('button', { name: 'End 1 other sign-in' }).click();
  await expect(elsewhere.getByRole('button', { name: /other sign-in/ })).toHaveCount(0);
  await page.getByRole('button', { name: 'End 1 session', exact: true }).click();
  await expect(page.getByText('What you had typed is kept')).toBeVisible();
  await people.signIn(page, 'administrator');
  await expect(page).toHaveURL(preview);
  await expect(page.getByLabel('Reason')).toHaveValue('Typed before the sign-in ended');
});

test('ui_d3 Shift ticks a range, by pointer and by key, and Ctrl+A this page alone', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=keycloak-staff&sort=started&dir=asc', SCRIPT);
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await boxes.nth(1).click();
  await boxes.nth(4).click({ modifiers: ['Shift'] });
  await expect(bar).toContainText('4 sessions selected');
  await expect(boxes.nth(2)).toBeChecked();
  await boxes.nth(6).focus();
  await page.keyboard.press('Shift+Space');
  await expect(bar).toContainText('6 sessions selected');
  await page.keyboard.press('Control+a');
  await expect(bar).toContainText('100 sessions selected');
  await expect(bar.getByRole('button', { name: /^Select all [\d,]+ that match$/ })).toBeVisible();
});

test('ui_d5 what can not be ended says why, in words beside a box that is off', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?q=svc-curfew', SCRIPT);
  const own = rows(page).first();
  await expect(own).toContainText('Curfew’s own connection');
  await expect(box(own)).toBeDisabled();
  await expect(box(own)).toHaveAccessibleDescription(/Curfew’s own connection/);
  // Who may see and not end: the same, and nothing offers to end.
  const auditor = await people.signedIn('auditor');
  await open(auditor, '/sessions', SCRIPT);
  await expect(rows(auditor).filter({ hasText: 'Outside your grant' }).first()).toBeVisible();
  await expect(rows(auditor).filter({ has: auditor.locator('.why-cannot') })).toHaveCount(100);
  await expect(box(rows(auditor)).and(auditor.locator(':enabled'))).toHaveCount(0);
  await expect(auditor.getByRole('button', { name: /^End\b/ })).toHaveCount(0);
});

test('ui_c6 names of any script, length and making are text, and reachable whole by keyboard', async ({ people }) => {
  const page = await people.signedIn('administrator', { viewport: { width: 1110, height: 800 } });
  const name = (row: number) => rows(page).nth(row).getByRole('rowheader');
  await open(page, '/sessions?q=rtables', SCRIPT);
  await expect(name(0)).toContainText("<b>Robert</b>'); DROP TABLE");
  await expect(name(0).locator('b')).toHaveCount(0);
  for (const [login, text] of [
    ['yamada.t', '山田 太郎'],
    ['m.alhusseini', 'محمد عبد الرحمن الحسيني'],
  ]) {
    await open(page, `/sessions?q=${login}`, SCRIPT);
    await expect(name(0).locator('bdi').first()).toHaveText(text);
  }
  await open(page, '/sessions?q=m.hohenlohe&system=keycloak-staff', SCRIPT);
  const long = name(0).locator('[data-tip]').first();
  const whole = 'Maximiliane Freifrau von Hohenlohe-Waldenburg-Schillingsfürst';
  const cut = await long.locator('.cut').evaluate((element) => element.scrollWidth > element.clientWidth);
  expect(cut, 'a narrow window cuts it').toBe(true);
  await box(rows(page).first()).focus();
  await page.keyboard.press('ArrowRight');
  await expect(long).toBeFocused();
  expect(await long.evaluate((element) => getComputedStyle(element, '::after').content)).toBe(`"${whole}"`);
});

test('ui_b2 a whole session id finds its row by POST and is nowhere afterwards', async ({ portal, people, watch }) => {
  const page = await people.signedIn('administrator');
  const { sessions } = await portal.ask<{ sessions: { id: string }[] }>('moodle-campus', '/sessions?limit=5');
  const id = sessions[0].id;
  watch.secret(id);
  await open(page, '/sessions', SCRIPT);
  await page.locator('summary', { hasText: 'Find by session id' }).click();
  await page.getByLabel('Whole session id').fill(id);
  await page.getByRole('button', { name: /^Find/ }).click();
  await expect(page).toHaveURL(/key=/);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText(`…${id.slice(-4)}`);
  expect(await page.content()).not.toContain(id);
});

test('ui_b6 more than ten thousand is said at once and counted exactly a moment later', async ({ portal, people }) => {
  test.setTimeout(120_000);
  const opened = 6_500;
  const signIn = () => portal.ask('uportal-campus', '/sessions', { account_id: 'crowd' });
  for (let done = 0; done < opened; done += 100) await Promise.all(Array.from({ length: 100 }, signIn));
  const page = await people.signedIn('administrator');
  const count = page.locator('.list-count');
  await expect(async () => {
    const response = await page.goto('/sessions');
    expect(await response!.text()).toContain('10,000+');
  }).toPass({ timeout: 60_000 });
  await expect(count).toHaveText(/^Showing 1–100 of 1[01],\d{3}$/);
  // Below that the number is exact at once; a few of the crowd went home meanwhile.
  const fewer = await page.goto('/sessions?system=uportal-campus&q=crowd');
  expect(await fewer!.text()).not.toMatch(/10,000\+<[^>]*> that match/);
  await expect(count).toHaveText(/^Showing 1–100 of 6,(4\d\d|500) that match/);
});

test('the number over a limit opens exactly those sessions', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions', SCRIPT);
  const over = page.getByRole('link', { name: /over a limit in .+, show them/ });
  await expect(async () => {
    await page.reload();
    await expect(over.first()).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 60_000 });
  await over.first().click();
  await expect(page).toHaveURL(/\/sessions\?system=[a-z-]+&over=1/);
  await expect(page.getByRole('group', { name: 'Filters in force' })).toContainText('a limit of its own');
  // The list is live: a row that its system has removed meanwhile stays, and says so.
  for (const one of await rows(page).all()) await expect(one).toContainText(/ over|Gone when read/);
});
