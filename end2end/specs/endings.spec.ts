// Endings: started once, true after a crash, stopped by the global pause.

import { box, open, QUICK, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };

test.use({ settings: QUICK });

async function preview(page: Page, query: string, count: number): Promise<void> {
  await open(page, `/sessions?${query}`, SCRIPT);
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  for (let index = 0; index < count; index++) await boxes.nth(index).check();
  await page.getByRole('button', { name: `End ${count} session${count === 1 ? '' : 's'}…`, exact: true }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
}

const endButton = (page: Page) => page.getByRole('button', { name: /^End \d+ sessions?$/ });

test('ui_e6 a double click, a second tab and a reload start one ending', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await preview(page, 'system=moodle-campus', 2);
  const address = page.url();
  const tab = await page.context().newPage();
  await tab.goto(address);
  for (const one of [page, tab]) await one.getByLabel('Reason').fill('Once only');
  await endButton(page).dblclick();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  const ending = page.url();
  await endButton(tab).click();
  await expect(tab.getByText(/became ending \d+|Ending \d+/).first()).toBeVisible();
  await page.goto(address);
  await expect(page.getByText(/became ending \d+/)).toBeVisible();
  await open(page, '/endings', SCRIPT);
  await expect(page.getByRole('link', { name: /^Ending \d+$/ })).toHaveCount(1);
  expect(ending).toMatch(/\/endings\/\d+$/);
});

test('ui_e1 ui_e3 the preview says what it will do before anything is asked', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await preview(page, 'system=tableau-analytics', 3);
  await expect(page.getByRole('table', { name: 'Sessions to end, by system' })).toContainText('Tableau analytics');
  await expect(page.getByRole('table', { name: 'Sessions to end, by person' })).toBeVisible();
  await expect(page.getByText('Nothing has been asked yet.')).toBeVisible();
  await expect(endButton(page)).toHaveText('End 3 sessions');
  await expect(endButton(page)).not.toBeFocused();
});

test('ui_e5 an ending begins later, and its people see the very words before', async ({ people, portal, watch }) => {
  // Their account may see no list.
  watch.allow(/status of 403/);
  const guest = portal.guests[0];
  const theirs = await people.signedIn(guest);
  const page = await people.signedIn('administrator');
  await preview(page, `system=curfew&q=${guest.login}`, 1);
  const words = page.getByLabel('Tell people', { exact: true });
  await expect(words).toBeHidden();
  await page.getByLabel('In…').check();
  await expect(page.getByText('Who is signed in to Curfew sees it above every page.')).toBeVisible();
  await page.getByLabel('Minutes').fill('30');
  await words.fill('Maintenance <soon>, at {time}: please save your work.');
  const seen = page.getByText(/^Maintenance <soon>, at \d\d:\d\d UTC( on .*)?: please save your work\.$/);
  await expect(seen, 'as they will see it, while it is typed').toBeVisible();
  await page.getByLabel('Reason').fill('A planned restart');
  await endButton(page).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^1 session is to end at \d\d:\d\d UTC$/);
  await expect(page.getByText(/Maintenance <soon>, at \d\d:\d\d UTC/)).toBeVisible();

  await theirs.reload();
  const banner = theirs.locator('#banners').getByText(/Maintenance <soon>, at \d\d:\d\d UTC/);
  await expect(banner).toBeVisible();
  await expect(theirs.locator('#banners')).toContainText(/A sign-in of yours in Curfew ends at /);

  await page.getByRole('button', { name: 'Stop the 1 not yet sent' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Stopped. The session is not gone');
  await theirs.reload();
  await expect(theirs.locator('#banners')).toBeAttached();
  await expect(banner).toHaveCount(0);
});

test('a time that is over is named, and nothing starts', async ({ people, watch }) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator');
  await preview(page, 'system=moodle-campus', 1);
  await page.getByLabel('Reason').fill('Too late');
  await page.getByLabel('At…').check();
  await page.getByLabel('Date and time').fill('2020-01-01T06:00');
  await endButton(page).click();
  await expect(page.getByText('That moment has passed. Choose a later one, or begin now.')).toBeVisible();
  await expect(page.getByLabel('At…')).toBeChecked();
  await expect(page.getByLabel('Reason')).toHaveValue('Too late');
});

test('ui_e4 without a reason nothing starts', async ({ people, watch }) => {
  watch.allow(/status of 422/);
  const page = await people.signedIn('administrator', { javaScriptEnabled: false });
  await page.goto('/sessions?system=moodle-campus');
  await box(rows(page)).and(page.locator(':enabled')).first().check();
  await page.getByRole('button', { name: 'End ticked sessions…' }).click();
  await page.getByLabel('Reason').fill('   ');
  await endButton(page).click();
  await expect(page).not.toHaveURL(/\/endings\/\d+$/);
  await expect(page.locator('.field-error').first()).toBeVisible();
});

test('ui_d6 one’s own session is left out until it is added on purpose', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await expect(async () => {
    await open(page, '/sessions?kind=portal', SCRIPT);
    expect(await rows(page).count()).toBeGreaterThan(0);
  }).toPass({ timeout: 20_000 });
  const own = rows(page).filter({ hasText: 'Your own session, left out' });
  await expect(own.first()).toBeVisible();
  await expect(box(own.first())).toBeDisabled();
});

test('ui_f1 the page of an ending is true after the server was killed in the middle', async ({ portal, people, watch }) => {
  test.setTimeout(120_000);
  // The connection breaks; that is the test.
  watch.allow(/ERR_|\/live\b|Failed to (load|fetch)|status of 5\d\d/);
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=keycloak-staff&sort=person&dir=asc', SCRIPT);
  await page.getByRole('checkbox', { name: 'Select this page' }).check();
  await page.getByRole('button', { name: /^End 100 sessions…$|^End \d+ sessions…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
  const count = /\d+/.exec(await endButton(page).innerText())![0];
  await page.getByLabel(/^Type \d+ to confirm$/).fill(count);
  await page.getByLabel('Reason').fill('A crash in the middle');
  await endButton(page).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await portal.crashAndRestart();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/gone/, { timeout: 500 });
  }).toPass({ timeout: 60_000 });
  await expect(page.getByText(`${count} of ${count}`)).toBeVisible();
  const verified = await portal.curfew('audit', 'verify');
  expect(verified.code, verified.output).toBe(0);
});

test('ui_f6 pausing everything stops what was not yet asked, and is told on every page', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/endings', SCRIPT);
  await page.locator('summary', { hasText: 'Pause all endings' }).click();
  await page.getByLabel('Reason').fill('Something looks wrong');
  await page.getByRole('button', { name: 'Pause all endings', exact: true }).click();
  await expect(page.getByText('All endings are paused.').first()).toBeVisible();
  await preview(page, 'system=moodle-campus', 1);
  await page.getByLabel('Reason').fill('Waits');
  await endButton(page).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await page.waitForTimeout(3_000);
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText('gone');
});

test('a reason that was typed stays when the page reads itself again', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/endings', SCRIPT);
  const endings = await page.getByRole('row').count();
  await page.locator('summary', { hasText: 'Pause all endings' }).click();
  const reason = page.getByLabel('Reason');
  await reason.fill('Half a thought');
  await reason.blur();

  const other = await page.context().newPage();
  await preview(other, 'system=moodle-campus', 1);
  await other.getByLabel('Reason').fill('Makes the first page read itself again');
  await endButton(other).click();
  await expect(other).toHaveURL(/\/endings\/\d+$/);

  await expect(page.getByRole('row')).not.toHaveCount(endings);
  await expect(reason).toHaveValue('Half a thought');
});
