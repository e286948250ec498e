// People above accounts: found by name, everything open on one page, and the way to the preview of exactly theirs.

import { open } from '../lib/journey';
import { accessible, expect, hydrated, test } from '../lib/test';

for (const script of [true, false]) {
  test(`ui_k1 a person is found, shown over all systems and ended by the preview, ${script ? 'with' : 'without'} script`, async ({
    people,
    watch,
  }) => {
    watch.allow(/status of 4(03|22)/);
    const page = await people.signedIn('administrator', script ? {} : { javaScriptEnabled: false });
    await open(page, '/people', { script });
    await page.getByLabel('Find people by name or user name').fill('hohenlohe');
    await page.getByRole('button', { name: 'Find' }).click();
    await expect(page).toHaveURL(/[?&]q=hohenlohe/);
    // Accounts are linked within a second of the first reading.
    await expect(async () => {
      await page.reload();
      const row = page.getByRole('row', { name: /Hohenlohe/ }).first();
      expect(Number(await row.getByRole('cell').nth(2).innerText())).toBeGreaterThan(1);
    }).toPass({ timeout: 20_000 });
    await page.getByRole('link', { name: /Hohenlohe/ }).first().click();
    await expect(page).toHaveURL(/\/people\/[0-9a-f-]+$/);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Hohenlohe');
    const accounts = page.getByRole('region', { name: 'Accounts of this person' });
    await expect(accounts).toContainText('Same name in one name space: Northwind directory');
    await expect(page.getByText('You see what is part of your grant.')).toHaveCount(0);
    if (script) await accessible(page, 'a person');
    const end = page.getByRole('button', { name: /^End \d+ sessions?…$/ });
    const wanted = Number((await end.innerText()).match(/\d+/)?.[0]);
    await end.click();
    await expect(page).toHaveURL(/\/endings\/preview\//);
    await expect(page.getByRole('heading', { level: 1 })).toContainText(/End/);
    await expect(page.locator('main')).toContainText(String(wanted));
  });
}

test('ui_k2 a helper is told that there may be more, and decides nothing', async ({ people, watch }) => {
  watch.allow(/status of 40[34]/);
  const admin = await people.signedIn('administrator');
  await open(admin, '/people', { script: true });
  const helper = await people.signedIn('helpdesk');
  await open(helper, '/people', { script: true });
  await expect(helper.getByText('You see what is part of your grant.')).toBeVisible();
  const first = helper.getByRole('table').getByRole('link').first();
  if ((await first.count()) > 0) {
    await first.click();
    await expect(helper).toHaveURL(/\/people\/./);
    await hydrated(helper);
    await expect(helper.getByText('Anybody here may have more accounts and sessions elsewhere.')).toBeVisible();
    await expect(helper.getByText('Cut…')).toHaveCount(0);
    await expect(helper.getByText('Link another account…')).toHaveCount(0);
    await accessible(helper, 'a person in part');
  }
});

test('a person fits a narrow window, in both themes', async ({ people }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await people.signedIn('administrator', { viewport: { width: 320, height: 800 }, colorScheme });
    await open(page, '/people', { script: true });
    await accessible(page, `people ${colorScheme}`);
    await page.getByRole('table').getByRole('link').first().click();
    await expect(page.getByRole('heading', { name: 'Last 24 hours' })).toBeVisible();
    await accessible(page, `a person ${colorScheme}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(320);
  }
});
