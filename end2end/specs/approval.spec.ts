// The second person: 600 sessions wait for somebody else, who sees the same frozen set.

import { box, open, QUICK, rows } from '../lib/journey';
import { accessible, expect, hydrated, type Page, test } from '../lib/test';

test.use({ settings: QUICK });

/** Opens a preview of everything that matches, and asks for a second person; the address of the preview. */
async function ask(page: Page, query: string, script: boolean): Promise<{ address: string; count: string }> {
  await open(page, `/sessions?${query}`, { script });
  if (script) {
    await page.getByRole('checkbox', { name: 'Select this page' }).check();
  } else {
    // Without script the bar stands where something is selected already: that one is ticked first.
    await box(rows(page)).and(page.locator(':enabled')).first().check();
    await page.getByRole('button', { name: 'End ticked sessions…' }).click();
    await page.getByRole('link', { name: 'Back to the list, keep the selection' }).click();
  }
  await page.getByRole('button', { name: /^Select all [\d,]+ that match$/ }).click();
  // The buttons that need no script stand there until it starts: with script only the bar's own is meant.
  const end = script ? /^End (all )?[\d,]+ sessions…$/ : /^End (all )?[\d,]+ sessions…$|^End ticked sessions…$/;
  await page.getByRole('button', { name: end }).first().click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  const label = page.getByLabel(/^Type \d+ to confirm$/);
  const count = /\d+/.exec(await page.locator('label', { hasText: 'to confirm' }).innerText())![0];
  await expect(page.getByText('so a second person must approve.')).toBeVisible();
  await expect(page.getByText('Rosalind Vance can.')).toBeVisible();
  await label.fill(count);
  await page.getByLabel('Reason').fill('The identity provider moves');
  await page.getByRole('button', { name: /^Ask for approval to end [\d,]+ sessions$/ }).click();
  await expect(page.getByRole('heading', { name: 'Waiting for approval' })).toBeVisible();
  return { address: page.url(), count };
}

for (const script of [true, false]) {
  test(`ui_e7 security_b11 600 sessions need a second person, who sees the same frozen set, ${script ? 'with' : 'without'} script`, async ({
    portal,
    people,
  }) => {
    const options = script ? {} : { javaScriptEnabled: false };
    const asker = await people.signedIn('administrator', options);
    const { address, count } = await ask(asker, 'system=keycloak-staff', script);
    expect(Number(count)).toBeGreaterThan(600);
    if (script) {
      await hydrated(asker);
      await accessible(asker, 'waiting for approval');
    }
    // Who asked can't approve, and nothing has been asked of the system.
    await expect(asker.getByRole('button', { name: /^Approve/ })).toHaveCount(0);

    // The second person is told on any page, and reads the same numbers.
    const second = await people.signedIn(portal.person('rosalind.vance'), options);
    await open(second, '/systems', { script });
    await expect(second.getByText('Mara Ortiz asks for a second person.')).toBeVisible();
    await second.getByRole('link', { name: 'Look at the frozen set' }).click();
    await expect(second).toHaveURL(address);
    const shown = Number(count).toLocaleString('en-US');
    await expect(second.getByRole('heading', { level: 1 })).toContainText(`Approve ending ${shown} sessions`);
    await expect(second.getByText('The identity provider moves')).toBeVisible();
    if (script) {
      await hydrated(second);
      await accessible(second, 'approve');
    }
    await second.getByLabel('Note to Mara Ortiz, kept in the audit').fill('Agreed on the phone');
    await second.getByRole('button', { name: `Approve and end ${shown} sessions` }).click();
    await expect(second).toHaveURL(/\/endings\/\d+$/);
    await expect(second.getByText('Approved by Rosalind Vance')).toBeVisible();
    await expect(second.getByText('Agreed on the phone')).toBeVisible();

    // The asker's page follows by itself, or at the next reading.
    if (!script) await asker.goto(address);
    await expect(asker.getByText('This preview was confirmed.')).toBeVisible();
    const verified = await portal.curfew('audit', 'verify');
    expect(verified.code, verified.output).toBe(0);
  });
}

test('security_b12 going on alone asks for a second factor first', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await ask(page, 'system=tableau-analytics', true);
  await hydrated(page);
  await page.locator('summary', { hasText: 'Nobody there?' }).click();
  await expect(page.getByRole('button', { name: /alone$/ })).toBeDisabled();
  await expect(page.getByText('It needs a second factor, and you have none set up.')).toBeVisible();
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await expect(page.getByText('Mara Ortiz took the request back.')).toBeVisible();
});
