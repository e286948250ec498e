// The Tickets page: what is wrong comes first, and a refusal is found by the reference somebody was told.

import { open } from '../lib/journey';
import { accessible, expect, type Page, test } from '../lib/test';

const SCRIPT = { script: true };
const REFERENCE = /T-[0-9A-Z]{8}/;

/** Asks for a ticket with the page's own form, as the app of the demo. */
async function ask(page: Page, user: string, site: string, button: string): Promise<void> {
  const form = page.locator('form.ticket-test');
  await form.getByLabel('Site').fill(site);
  await form.getByLabel('User').fill(user);
  await form.getByRole('button', { name: button, exact: true }).click();
}

for (const script of [true, false]) {
  test(`a refusal is found by its reference with its causes, ${script ? 'with' : 'without'} script`, async ({ people }) => {
    const page = await people.signedIn('administrator', { javaScriptEnabled: script });
    await open(page, '/tickets', { script });
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Tickets');

    await ask(page, 'nobody-has-this-name', 'Sales', 'Ask for a ticket');
    await expect(page).toHaveURL(/\/tickets\?ref=T-/);
    const found = page.getByRole('region', { name: /^Request T-/ });
    await expect(found).toContainText('Refused by Tableau');
    const reference = REFERENCE.exec(await found.innerText())?.[0] ?? '';
    await expect(page.getByRole('table', { name: /^Likely causes: Refused/ }).first().getByRole('row')).toHaveCount(5);

    // As somebody would who was told nothing but the reference, in whatever case.
    await open(page, '/tickets', { script });
    await page.getByRole('searchbox', { name: 'Find a request by its reference' }).fill(reference.toLowerCase());
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await expect(found).toContainText('nobody-has-this-name');
    await expect(found).toContainText('Invalid user: <name>');
    await expect(found).toContainText('Sales');
  });
}

test('a ticket that comes is said and never shown, and a site is tried to the end', async ({ people }) => {
  const page = await people.signedIn('administrator');
  await open(page, '/tickets', SCRIPT);
  await ask(page, 'tableau-admin', '', 'Ask for a ticket');
  await expect(page.getByRole('region', { name: /^Request T-/ })).toContainText('Issued');
  expect(await page.content(), 'two parts of a ticket').not.toMatch(/[A-Za-z0-9_-]{22}==:[A-Za-z0-9]{24}/);

  await open(page, '/tickets', SCRIPT);
  await ask(page, 'tableau-admin', '', 'Ask, and try the login view');
  await expect(page.locator('.flash')).toContainText('The login view Login/Login came');
  const row = page.getByRole('row', { name: /^Default Tableau analytics/ });
  await expect(row).toContainText('Ready');
  await expect(row).toContainText('refused');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1440, 390, 320]) {
    test(`the page is accessible and fits, ${colorScheme} at ${width}`, async ({ people }, info) => {
      const page = await people.signedIn('administrator', { colorScheme, viewport: { width, height: 900 } });
      for (const path of ['/tickets', '/tickets?outcome=not_issued', '/tickets?ref=T-22222222', '/tickets?outcome=x']) {
        await open(page, path, SCRIPT);
        await accessible(page, `${path} ${colorScheme} ${width}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(over, `sideways on ${path}`).toBeLessThanOrEqual(0);
      }
      await open(page, '/tickets', SCRIPT);
      await page.screenshot({ path: info.outputPath(`tickets-${colorScheme}-${width}.png`), fullPage: true });
    });
  }
}

test('who may not use tickets has no such page', async ({ people, watch }) => {
  watch.allow(/status of 403/);
  const page = await people.signedIn('helpdesk');
  await expect(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Tickets' })).toHaveCount(0);
  const answer = await page.goto('/tickets');
  expect(answer?.status()).toBe(403);
});
