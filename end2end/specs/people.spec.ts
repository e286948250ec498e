// People come in by a one-time link, and set their own password.

import { open } from '../lib/journey';
import { expect, hydrated, test } from '../lib/test';

const PASSWORD = 'velvet-orchard-93-compass';

for (const script of [true, false]) {
  test(`security_c13 a new person sets their own password by a link that works once, ${script ? 'with' : 'without'} script`, async ({
    people,
    watch,
  }) => {
    watch.allow(/status of 4(03|22)/);
    const options = script ? {} : { javaScriptEnabled: false };
    const admin = await people.signedIn('administrator', options);
    await open(admin, '/access?tab=people', { script });
    await admin.getByLabel('User name').fill('carol');
    await admin.getByLabel('Name', { exact: true }).fill('Carol Reyes');
    await admin.getByRole('button', { name: 'Add person' }).click();
    const link = new URL((await admin.locator('code.one-time').innerText()).trim());
    const code = link.hash.slice(1);
    watch.secret(code);
    watch.secret(PASSWORD);

    const carol = await people.newcomer(options);
    await carol.goto(link.pathname);
    if (script) await hydrated(carol);
    await carol.getByLabel('One-time code').fill(code);
    await carol.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await carol.getByLabel('New password again').fill(PASSWORD);
    await carol.getByRole('button', { name: 'Set password and sign in' }).click();
    await expect(carol).not.toHaveURL(/\/welcome/);
    await carol.goto('/access');
    await expect(carol.getByText(/Manage access/)).toBeVisible();

    const other = await people.newcomer(options);
    await other.goto(link.pathname);
    if (script) await hydrated(other);
    await other.getByLabel('One-time code').fill(code);
    await other.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await other.getByLabel('New password again').fill(PASSWORD);
    await other.getByRole('button', { name: 'Set password and sign in' }).click();
    await expect(other).toHaveURL(/\/welcome/);
    await expect(other.getByRole('alert').or(other.locator('.field-error')).first()).toBeVisible();
  });
}
