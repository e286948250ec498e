// A containment report without script: from the ending to the page, the file, and the check that needs no portal.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessible, expect, test } from '../lib/test';

test('a report is read, downloaded and checked without script and without the portal', async ({ people, portal }, info) => {
  test.setTimeout(90_000);
  const page = await people.signedIn('administrator', { javaScriptEnabled: false });
  await expect(async () => {
    await page.goto('/people?q=hohenlohe&live=1');
    await page.getByRole('link', { name: /Hohenlohe/ }).first().click({ timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await page.getByRole('button', { name: /^End \d+ sessions?…$/ }).click();
  await page.getByLabel('Reason').fill('Laptop stolen');
  await page.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/gone/, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await page.getByRole('link', { name: 'containment report' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Containment report: Ending \d+$/);
  await expect(page.getByRole('region', { name: 'Sign-in blocks' }).first()).toContainText('None was made by Curfew');
  const fingerprint = (await page.getByText(/^([0-9a-f]{8} ){7}[0-9a-f]{8}$/).last().innerText()).replaceAll(' ', '');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download signed JSON' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^curfew-report-ending-\d+-\d{8}T\d{6}Z\.json$/);
  const file = info.outputPath('report.json');
  await download.saveAs(file);
  const good = await portal.curfew('verify-report', file, '--key', fingerprint);
  expect(good, good.output).toMatchObject({ code: 0 });
  expect(good.output).toContain('INTACT, and signed by the key you named.');
  const changed = join(info.outputDir, 'changed.json');
  await writeFile(changed, (await readFile(file, 'utf8')).replace('"ended"', '"refused"'));
  const bad = await portal.curfew('verify-report', changed, '--key', fingerprint);
  expect(bad, bad.output).toMatchObject({ code: 1 });
  expect(bad.output).toContain('Changed since it was signed: endings.');
});

test('a report fits a narrow window in both themes and is accessible', async ({ people }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await people.signedIn('administrator', { viewport: { width: 320, height: 800 }, colorScheme });
    await page.goto('/people');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('link', { name: 'Containment report' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Containment report: /);
    await accessible(page, `a report ${colorScheme}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  }
});
