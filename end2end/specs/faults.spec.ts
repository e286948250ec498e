// What systems do wrong, and what the portal then says: never more than was read.

import { box, item, open, QUICK, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };

test.use({ settings: QUICK });

/** A session as a simulated system gives it. */
type Session = { id: string; place: string };

/** Ticks the first `count` sessions of each list and opens the preview of them all. */
async function preview(page: Page, lists: string[], count: number): Promise<void> {
  for (const query of lists) {
    const kept = /[?&](sel=[^&]+)/.exec(page.url())?.[1];
    await open(page, `/sessions?${kept ? `${query}&${kept}` : query}`, SCRIPT);
    const boxes = box(rows(page)).and(page.locator(':enabled'));
    const bar = page.getByRole('region', { name: 'Selected sessions' });
    for (let index = 0; index < count; index++) await boxes.nth(index).check();
    await expect(bar).toContainText('system');
    await expect(page).toHaveURL(/sel=/);
  }
  await page.getByRole('button', { name: /^End \d+ sessions?…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
}

async function confirm(page: Page, reason: string): Promise<void> {
  await page.getByLabel('Reason').fill(reason);
  await page.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
}

test('ui_c7 ui_i4 one system down: named since when, its rows marked, the others as before', async ({ portal, people }) => {
  const page = await people.signedIn('administrator');
  await portal.faults('moodle-campus', { list: 'down' });
  const strip = page.getByRole('navigation', { name: 'Systems' });
  await expect(async () => {
    await open(page, '/sessions?system=moodle-campus', SCRIPT);
    await expect(strip.getByRole('link', { name: /Moodle campus/ })).toContainText('stale, read', { timeout: 200 });
  }).toPass({ timeout: 30_000 });
  const note = page.getByRole('main').locator('.note', { hasText: 'Moodle campus' });
  await expect(note).toContainText(/has not been read whole since \d\d:\d\d:\d\d/);
  await expect(note).toContainText('as they were then and may have ended');
  await expect(note.getByRole('link', { name: 'See the system' })).toBeVisible();
  const stale = rows(page).first();
  await expect(stale.getByText('Stale')).toHaveCount(1);
  await expect(stale).toContainText(/read \d+ (s|min) ago/);
  await expect(strip.getByRole('link', { name: /All systems/ })).toContainText('7 of 8 live');

  // The others are as usable as before, and how long Curfew waits for an answer stands on the system's page.
  await open(page, '/sessions?system=tableau-analytics', SCRIPT);
  await expect(rows(page).first().getByText('Stale')).toHaveCount(0);
  await preview(page, ['system=tableau-analytics'], 1);
  await confirm(page, 'While another system is down');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The session is gone', { timeout: 20_000 });
  await open(page, '/systems?system=moodle-campus', SCRIPT);
  await expect(page.getByRole('region', { name: 'Moodle campus' })).toContainText(/10 s/);

  await portal.faults('moodle-campus', {});
  await expect(async () => {
    await open(page, '/sessions?system=moodle-campus', SCRIPT);
    await expect(rows(page).first().getByText('Stale')).toHaveCount(0, { timeout: 200 });
    await expect(strip.getByRole('link', { name: /All systems/ })).toContainText('all 8 live', { timeout: 200 });
  }).toPass({ timeout: 30_000 });
});

test('ui_f2 ui_f3 ui_f4 an ending says what was read back, why something is left, and who came back', async ({
  portal,
  people,
}) => {
  test.setTimeout(120_000);
  const page = await people.signedIn('administrator');
  await preview(page, ['tableau-analytics', 'uportal-campus', 'keycloak-staff', 'moodle-campus'].map((id) => `system=${id}`), 1);
  await portal.faults('uportal-campus', { lie: true });
  await portal.faults('tableau-analytics', { refuse: 'everybody' });
  await portal.faults('keycloak-staff', { let_back: true });
  await portal.faults('moodle-campus', { slow_ms: 4_000 });
  // Signed in before: asked and not yet read back lasts a few seconds only.
  const list = await people.signedIn('administrator');
  await confirm(page, 'Each system answers in its own way');
  await hydrated(page);

  // Asked is not ended: the page says so, and in the list the row waits in its place.
  const moodle = page.getByRole('table', { name: 'Sessions of this ending' }).getByRole('row').filter({ hasText: 'Moodle campus' });
  await expect(moodle).toContainText('Asked');
  await expect(moodle).not.toContainText('Ended');
  const login = (await moodle.getByRole('rowheader').innerText()).split('\n')[1].trim();
  await open(list, `/sessions?system=moodle-campus&q=${encodeURIComponent(login)}`, SCRIPT);
  await expect(rows(list).filter({ hasText: 'asked, reading back' })).toHaveCount(1);

  const title = page.getByRole('heading', { level: 1 });
  await expect(title).toHaveText('2 of 4 sessions are gone, 2 are not', { timeout: 60_000 });
  await expect(moodle).toContainText('Ended');

  // Every failure has a cause in plain words and a next step.
  const causes = page.getByRole('table', { name: 'Sessions that could not be ended, by cause' });
  const lied = causes.getByRole('row').filter({ hasText: 'uPortal campus' });
  await expect(lied).toContainText('Still there');
  const refused = causes.getByRole('row').filter({ hasText: 'Tableau analytics' });
  await expect(refused).toContainText('Refused');
  await expect(refused).toContainText('400105');
  for (const cause of [lied, refused]) {
    await expect(cause.getByRole('cell').last()).toContainText(/\w+ \w+/);
    await expect(cause.getByRole('link', { name: 'Show 1' })).toBeVisible();
    await expect(cause.locator('pre')).toBeHidden();
  }
  await lied.getByText('Technical detail').click();
  await expect(lied.locator('pre')).toContainText(/outcome +still_there\nanswered +accepted 1\nasks +3\n/);
  await expect(page.getByRole('button', { name: 'Retry 2…' })).toBeVisible();

  // Who came back, and through which system.
  await expect(page.getByText('1 session came back.')).toBeVisible({ timeout: 30_000 });
  const back = page.getByRole('row').filter({ hasText: 'Came back' });
  await expect(back).toContainText('through Keycloak staff');

  // Ended again at once, by a preview of exactly their new sessions.
  await expect(async () => {
    await page.getByRole('button', { name: 'End their new sessions…' }).click();
    await expect(page).toHaveURL(/\/endings\/preview\//, { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^End \d+ sessions? of 1 person\?$/);
});

test('ui_f5 stopping an ending leaves what was not sent alone, and says exactly that', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/endings', SCRIPT);
  await page.locator('summary', { hasText: 'Pause all endings' }).click();
  await page.getByLabel('Reason').fill('So that there is something to stop');
  await page.getByRole('button', { name: 'Pause all endings', exact: true }).click();
  await expect(page.getByText('All endings are paused.').first()).toBeVisible();
  await preview(page, ['system=keycloak-staff'], 3);
  await confirm(page, 'A mistake');
  await page.getByRole('button', { name: 'Stop the 3 not yet sent' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Stopped. None of 3 sessions is gone');
  await expect(page.getByText('3 of 3')).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'Stopped' })).toContainText('3');
  await open(page, '/endings', SCRIPT);
  await page.locator('summary', { hasText: 'Let them go on…' }).click();
  await page.getByLabel('Reason').fill('Nothing is left to be stopped');
  await page.getByRole('button', { name: 'Let all endings go on' }).click();
  await expect(page.getByText('All endings are paused.')).toHaveCount(0);
  await open(page, '/endings', SCRIPT);
  await page.getByRole('link', { name: /^Ending \d+$/ }).click();
  await page.waitForTimeout(2_000);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Stopped. None of 3 sessions is gone');
});

test('ui_d4 what is to be ended is frozen when the preview opens', async ({ portal, people }) => {
  const page = await people.signedIn('administrator');
  const signIn = () => portal.ask<Session>('moodle-campus', '/sessions', { account_id: 'tardy.person' });
  const theirs = [await signIn(), await signIn(), await signIn()];
  await expect(async () => {
    await open(page, '/sessions?system=moodle-campus&q=tardy.person', SCRIPT);
    await expect(rows(page)).toHaveCount(3, { timeout: 200 });
  }).toPass({ timeout: 20_000 });
  await page.getByRole('checkbox', { name: 'Select this page' }).check();
  const bar = page.getByRole('region', { name: 'Selected sessions' });
  await bar.getByRole('button', { name: 'Select all 3 that match' }).click();
  await expect(bar).toContainText('3 sessions that match');
  await page.getByRole('button', { name: 'End 3 sessions…' }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('End 3 sessions of 1 person?');

  // One goes by itself, another one comes: the first is shown as gone, the second is not hit.
  await portal.ask('moodle-campus', '/sessions/end', { sessions: [[theirs[0].id, theirs[0].place]] });
  const late = await signIn();
  await expect(async () => {
    await page.reload();
    await hydrated(page);
    await expect(page.getByText('Gone since it was frozen')).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await confirm(page, 'Frozen');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('All 3 sessions are gone', { timeout: 30_000 });
  await expect(item(page, 'tardy.person')).toHaveCount(3);
  await expect(item(page, 'tardy.person').filter({ hasText: 'Already gone' })).toHaveCount(1);
  const left = await portal.ask<{ sessions: Session[] }>('moodle-campus', '/sessions?limit=1000');
  expect(left.sessions.map((session) => session.id)).toContain(late.id);
});
