// Two Tableau Servers in the demo: a new one, where ending works and is proven, and an old one, where it does in part.

import { box, open, QUICK, rows } from '../lib/journey';
import { expect, hydrated, test } from '../lib/test';

const SCRIPT = { script: true };

test.use({ settings: QUICK });

test('tableau everybody of one name is found by user, ended with a reason, and read back', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=tableau-analytics&q=m.alhusseini', SCRIPT);
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  const count = await boxes.count();
  expect(count).toBeGreaterThan(0);
  for (let index = 0; index < count; index++) await boxes.nth(index).check();
  await page.getByRole('button', { name: /^End \d+ sessions?…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
  await page.getByLabel('Reason').fill('Account taken over, ticket 6');
  await page.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  const title = page.getByRole('heading', { level: 1 });
  await expect(title).toHaveText(/^(The session is|All \d+ sessions are) gone/, { timeout: 30_000 });
  await open(page, '/sessions?system=tableau-analytics&q=m.alhusseini', SCRIPT);
  await expect(rows(page)).toHaveCount(0);
});

test('tableau the self-test proves on the Systems page that ending works', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/systems?system=tableau-analytics', SCRIPT);
  await page.getByRole('button', { name: 'Run self-test' }).click();
  const steps = page.getByRole('region', { name: 'Tableau analytics' }).getByRole('listitem');
  await expect(steps.filter({ hasText: 'Its token is dead' })).toContainText('Passed', { timeout: 20_000 });
  await expect(steps.filter({ hasText: 'Failed' })).toHaveCount(0);
});

test('tableau an old server’s protected rows can’t be ended and say why, its legacy rows can', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/sessions?system=tableau-archive', SCRIPT);
  const protectedRow = rows(page).filter({ hasText: 'Upgrade to 2020.3' }).first();
  await expect(protectedRow).toContainText('has no method to end sessions');
  await expect(box(protectedRow)).toBeDisabled();
  const legacy = box(rows(page)).and(page.locator(':enabled')).first();
  await legacy.check();
  await page.getByRole('button', { name: 'End 1 session…' }).click();
  await hydrated(page);
  await page.getByLabel('Reason').fill('Left the house');
  await page.getByRole('button', { name: 'End 1 session' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The session is gone', { timeout: 30_000 });
});
