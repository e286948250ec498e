// Every page, in every theme and width: nothing axe finds, nothing the console says, nothing that scrolls sideways.

import { brotliCompressSync } from 'node:zlib';

import { box, open, rows } from '../lib/journey';
import { accessible, expect, hydrated, type Page, test } from '../lib/test';

const PAGES = [
  '/sessions',
  '/sessions?q=nobody-has-this-name',
  '/sessions?ip=not-an-address',
  '/people',
  '/people?q=nobody-has-this-name',
  '/endings',
  '/systems',
  '/policies',
  '/access',
  '/access?tab=people',
  '/access?tab=roles',
  '/access?tab=groups',
  '/access?tab=protected',
  '/audit',
  '/go',
  '/go?q=domo',
  '/tickets',
  '/signals',
  '/account',
  '/second-factor',
  '/no-such-page',
];

const SCRIPT = { script: true };

/** A preview with a few sessions of one system in it. */
async function somePreview(page: Page): Promise<void> {
  await open(page, '/sessions?system=tableau-analytics', SCRIPT);
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  for (const index of [0, 1, 2]) await boxes.nth(index).check();
  await page.getByRole('button', { name: /^End 3 sessions…$/ }).click();
  await expect(page).toHaveURL(/\/endings\/preview\//);
  await hydrated(page);
}

async function everyPage(page: Page, visit: (name: string) => Promise<void>): Promise<void> {
  for (const path of PAGES) {
    await open(page, path, SCRIPT);
    await visit(path);
  }
  await somePreview(page);
  await visit('preview');
  await page.getByLabel('Reason').fill('A look at the page of an ending');
  // Somebody of the demo may have gone since they were ticked.
  await page.getByRole('button', { name: /^End [1-3] sessions?$/ }).click();
  await expect(page).toHaveURL(/\/endings\/\d+$/);
  await hydrated(page);
  await visit('ending');
}

/** ui_h5: in greyscale nothing is lost, as every mark has a shape and a word. */
async function marksHaveWords(page: Page, name: string): Promise<void> {
  const bare = await page
    .locator('.mark')
    .evaluateAll((marks) =>
      marks.filter((mark) => !mark.querySelector('svg') || !mark.textContent?.trim()).map((mark) => mark.outerHTML),
    );
  // The half disc of a row that is being ended has its words beside the name.
  expect(bare.filter((html) => !html.includes('asked')), `marks on ${name}`).toEqual([]);
}

/** Names of a system's own settings, as `backchannel.logout.url` and `revokeRefreshToken`: its words, not ours. */
const SETTINGS = /\b[a-z]+(?:\.[a-z]+)+\b|\b[a-z]+(?:[A-Z][a-z]*)+\b/g;

/** ui_j2: one word per thing. */
async function wordsAreOurs(page: Page, name: string): Promise<void> {
  const text = (await page.locator('body').innerText()).replace(SETTINGS, '');
  expect(text.match(/\b(kill|terminat\w*|revok\w*|log ?out|logoff|oops|sorry|please)\b/gi) ?? [], `words on ${name}`).toEqual([]);
  const buttons = await page.getByRole('button').allInnerTexts();
  expect(buttons.filter((words) => /^(ok|yes|no|submit|confirm|cancel)$/i.test(words.trim())), `buttons on ${name}`).toEqual([]);
}

test.beforeEach(({ watch }) => {
  // What a page that is not there answers.
  watch.allow(/status of (404|422)/);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`ui_h1 ui_h2 ui_h5 ui_j2 axe finds nothing on any page, words and shapes tell all, ${colorScheme}`, async ({ people }) => {
    test.setTimeout(180_000);
    const visitor = await people.newcomer({ colorScheme });
    await open(visitor, '/sign-in', SCRIPT);
    await accessible(visitor, 'sign-in');
    const page = await people.signedIn('administrator', { colorScheme });
    await everyPage(page, async (name) => {
      await accessible(page, name);
      await marksHaveWords(page, name);
      await wordsAreOurs(page, name);
    });
  });
}

test('ui_h2 forced colours keep every page readable', async ({ people }) => {
  test.setTimeout(180_000);
  const page = await people.signedIn('administrator', { forcedColors: 'active' });
  await everyPage(page, (name) => accessible(page, name));
});

test('ui_h6 at 320 pixels only tables scroll sideways', async ({ people }) => {
  test.setTimeout(120_000);
  const page = await people.signedIn('administrator', { viewport: { width: 320, height: 640 } });
  await everyPage(page, async (name) => {
    const [content, window] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    expect(content, name).toBeLessThanOrEqual(window);
  });
});

test('ui_a3 a hundred rows are at most 25 KB of HTML, compressed', async ({ people }) => {
  const page = await people.signedIn('administrator');
  const response = await page.goto('/sessions');
  expect(await rows(page).count()).toBe(100);
  const bytes = brotliCompressSync(await response!.body()).length;
  console.log(`      ${bytes} bytes`);
  expect(bytes).toBeLessThanOrEqual(25_000);
});

test('ui_i6 a page that is not there is ours and names a way on', async ({ people }) => {
  const page = await people.signedIn('administrator');
  const response = await page.goto('/no-such-page');
  expect(response!.status()).toBe(404);
  await expect(page.getByRole('banner').getByRole('link', { name: /Curfew/ })).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('security_d4 every page has a strict content policy and is kept by nobody', async ({ people }) => {
  const page = await people.signedIn('administrator');
  for (const path of ['/sessions', '/no-such-page']) {
    const headers = (await page.goto(path))!.headers();
    const policy = headers['content-security-policy'] ?? '';
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).not.toMatch(/unsafe-inline|(?<!wasm-)unsafe-eval/);
    expect(headers['cache-control'], path).toContain('no-store');
    expect(headers['x-content-type-options'], path).toBe('nosniff');
  }
});
