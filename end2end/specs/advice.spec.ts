// Advice on limits is accepted for a while with a reason, stays in sight, and is taken back.

import { open } from '../lib/journey';
import { expect, hydrated, test } from '../lib/test';

for (const script of [true, false]) {
  test(`security_asvs_7_1_1 advice is accepted, refused without an end, taken back, ${script ? 'with' : 'without'} script`, async ({
    people,
    watch,
  }) => {
    watch.allow(/status of 422/);
    const options = script ? {} : { javaScriptEnabled: false };
    const admin = await people.signedIn('administrator', options);
    await open(admin, '/policies', { script });
    const fact = 'uPortal campus outlives Keycloak staff: longest time none, there 10 h.';
    const line = admin.getByRole('listitem').filter({ hasText: fact });
    await expect(line).toBeVisible();
    const numbers = admin.getByText(/^\d+ open/);
    const before = Number.parseInt(await numbers.innerText(), 10);

    const accept = async (year: number) => {
      await line.getByText('Accept for a while').click();
      await line.getByLabel('Why it may stay so').fill('Kiosks in the library');
      await line.getByLabel('Until').fill(`${year}-03-31T18:00`);
      await line.getByRole('button', { name: 'Accept' }).click();
    };
    const now = new Date(await admin.locator('#clock').getAttribute('data-now').then(Number));
    await accept(now.getUTCFullYear() + 9);
    await expect(line.getByText('Advice is accepted for a year at most.')).toBeVisible();
    await expect(line.getByLabel('Why it may stay so'), 'what was typed is still there').toHaveValue(
      'Kiosks in the library',
    );

    await open(admin, '/policies', { script });
    // The end of March that comes next is within a year.
    await accept(now.getUTCFullYear() + (now.getUTCMonth() > 1 ? 1 : 0));
    if (script) await hydrated(admin);
    await expect(line.getByText(/Accepted until .* by .*: Kiosks in the library/)).toBeVisible();
    await expect(admin.getByText(`${before - 1} open, 1 accepted`)).toBeVisible();

    const helper = await people.signedIn('helpdesk', options);
    await open(helper, '/policies', { script });
    // Their grant is for Curfew's own sessions.
    await expect(helper.getByRole('heading', { name: 'Policies' })).toBeVisible();
    await expect(helper.getByText('Kiosks in the library')).toHaveCount(0);
    await expect(helper.getByText('Accept for a while')).toHaveCount(0);
    await expect(helper.getByRole('button', { name: 'Take back' })).toHaveCount(0);

    await line.getByRole('button', { name: 'Take back' }).click();
    await expect(admin.getByText(`${before} open`, { exact: true })).toBeVisible();
    await expect(line.getByText('Accept for a while')).toBeVisible();
  });
}
