// On paper: an ending, its containment report and the audit log as they go into a folder.

import { box, open, QUICK, rows } from '../lib/journey';
import { expect, hydrated, type Page, test } from '../lib/test';

const SCRIPT = { script: true };
/** What is left of A4 between margins of 14 mm, in CSS pixels. */
const PAPER = { width: 688, height: 1016 };

test.use({ settings: QUICK });

/** Every page of a PDF as width and height in points. */
function sheets(pdf: Buffer): [number, number][] {
  const boxes = pdf.toString('latin1').matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]/g);
  return [...boxes].map(([, width, height]) => [Math.round(Number(width)), Math.round(Number(height))]);
}

async function fitsPaper(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize(PAPER);
  // No bars, nothing to press, nothing to fill in.
  for (const gone of ['.bar', '.skip', '.bulk', '.btn', 'button', 'input:not([type=hidden])', 'select', 'textarea']) {
    const seen = await page.locator(gone).evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 120)));
    expect(seen, `${gone} on ${name}`).toEqual([]);
  }
  await expect(page.locator('.print-head')).toBeVisible();
  // Nothing reaches beyond the sheet or is cut off, and no row is split between two.
  const cut = await page.evaluate((width) => {
    const said: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('main *')) {
      if (!element.checkVisibility() || element.closest('.unseen, svg')) continue;
      const { left, right } = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      const hidden = style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
      if (right > width + 1 || left < -1 || hidden) said.push(element.outerHTML.slice(0, 160));
      if (element.tagName === 'TR' && style.breakInside !== 'avoid') said.push(`may be split: ${element.outerHTML.slice(0, 160)}`);
    }
    return said;
  }, PAPER.width);
  expect(cut, name).toEqual([]);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const pages = sheets(pdf);
  expect(pages.length).toBeGreaterThan(0);
  for (const sheet of pages) expect(sheet).toEqual([595, 842]);
  if (process.env.E2E_KEEP_PRINTS) await (await import('node:fs/promises')).writeFile(`${process.env.E2E_KEEP_PRINTS}/${name}.pdf`, pdf);
}

test('ui_J6 an ending and the audit log fit A4, whole, without bars and buttons', async ({ people }) => {
  test.setTimeout(120_000);
  const page = await people.signedIn('administrator');
  // By person: rows that go by themselves meanwhile may leave fewer than the boxes that were ticked.
  await open(page, '/sessions?system=uportal-campus&sort=person&dir=asc', SCRIPT);
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  for (let at = 0; at < 20; at++) await boxes.nth(at).check();
  await page.getByRole('button', { name: /^End \d+ sessions…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
  await page.getByLabel('Reason').fill('Printed for the folder of the night, with a reason that is long enough to need more than a line of its own');
  await page.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/gone/, { timeout: 45_000 });
  await hydrated(page);
  await fitsPaper(page, 'ending');
  await page.emulateMedia({ media: 'screen' });
  await open(page, '/audit', SCRIPT);
  await fitsPaper(page, 'audit');
});

test('ui_J6 a containment report fits A4, whole, without bars and buttons', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await expect(async () => {
    await page.goto('/people?q=hohenlohe&live=1');
    await page.getByRole('link', { name: /Hohenlohe/ }).first().click({ timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await page.getByRole('button', { name: /^End \d+ sessions?…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
  await page.getByLabel('Reason').fill('Printed for the folder of the night, with a reason that is long enough to need more than a line of its own');
  await page.getByRole('button', { name: /^End \d+ sessions?$/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/gone/, { timeout: 45_000 });
  await open(page, `${new URL(page.url()).pathname}/report`, SCRIPT);
  await fitsPaper(page, 'report');
});
