// The picture in the README, made anew on demand: UPDATE_SCREENSHOT=1 cargo xtask test e2e "picture of the README".

import { box, open, rows } from '../lib/journey';
import { expect, test } from '../lib/test';

test('the picture of the README can be made', async ({ people }) => {
  const page = await people.signedIn('administrator', { viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  await open(page, '/sessions', { script: true });
  const boxes = box(rows(page)).and(page.locator(':enabled'));
  for (const index of [0, 1, 2]) await boxes.nth(index).check();
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toContainText('3 sessions selected');
  const path = process.env.UPDATE_SCREENSHOT ? '../docs/screenshot.png' : undefined;
  const picture = await page.screenshot({ path, animations: 'disabled' });
  expect(picture.length).toBeGreaterThan(20_000);
});
