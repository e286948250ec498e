// A second factor from the first scan to the lost phone: set up, signed in with, a recovery code, asked for by a role.

import { createHmac } from 'node:crypto';

import { open } from '../lib/journey';
import { accessible, expect, hydrated, type Page, test } from '../lib/test';

/** What an authenticator app shows for a key as the page shows it, so many steps of 30 seconds from now (RFC 6238). */
function code(key: string, steps = 0): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replace(/\s/g, '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const seed = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', seed).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Sets it up on the page of the second factor: the key and the recovery codes. */
async function setUp(page: Page): Promise<{ key: string; recovery: string[] }> {
  await page.getByRole('button', { name: 'Show the picture to scan' }).click();
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const key = (await page.locator('#typed-seed').innerText()).trim();
  await page.getByLabel('Code your app shows now').fill(code(key));
  await page.getByRole('button', { name: 'Turn it on' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  return { key, recovery: await codes.allInnerTexts() };
}

async function passwordOf(page: Page, account: { login: string; password: string }): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('User name').fill(account.login);
  await page.getByLabel('Password').fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your second factor');
}

for (const script of [true, false]) {
  test(`security_c6 security_c7 a role asks for a second factor, and codes open the door once, ${script ? 'with' : 'without'} script`, async ({
    portal,
    people,
    watch,
  }) => {
    watch.allow(/status of 4(01|03|22)/);
    const options = script ? {} : { javaScriptEnabled: false };
    const auditor = portal.signIn('auditor');

    // The role needs it from now on; the person gets nothing but the page that sets it up.
    const admin = await people.signedIn('administrator', options);
    await open(admin, '/access?tab=roles', { script });
    await admin.getByRole('button', { name: /^Ask for it .*Auditor$/ }).click();
    await expect(admin.getByText(/People with the role Auditor need a second factor/)).toBeVisible();
    const first = await people.signedIn('auditor', options);
    await expect(first).toHaveURL(/\/second-factor/);
    await first.goto('/audit');
    await expect(first).toHaveURL(/\/second-factor\?then=/);
    await expect(first.getByText('A role of yours needs a second factor.')).toBeVisible();
    const { key, recovery } = await setUp(first);
    watch.secret(key);
    watch.secret(key.replace(/\s/g, ''));
    for (const one of recovery) watch.secret(one);
    if (script) {
      await hydrated(first);
      await accessible(first, 'recovery codes');
    }
    await first.getByRole('link', { name: 'I have kept them' }).click();
    await expect(first).toHaveURL(/\/audit/);
    await expect(first.getByRole('heading', { level: 1 })).toHaveText('Audit');

    // Password, then code; the next step's, as the one of now was used to set it up.
    const second = await people.newcomer(options);
    await passwordOf(second, auditor);
    if (script) await accessible(second, 'code');
    await second.getByLabel('Code').fill('000000');
    await second.getByRole('button', { name: 'Sign in' }).click();
    await expect(second.getByText('This code is not right')).toBeVisible();
    await second.getByLabel('Code').fill(code(key, 1));
    await second.getByRole('button', { name: 'Sign in' }).click();
    await expect(second).not.toHaveURL(/\/sign-in/);

    // The phone is lost: a recovery code, once.
    const third = await people.newcomer(options);
    await passwordOf(third, auditor);
    await third.getByLabel('Code').fill(recovery[0]);
    await third.getByRole('button', { name: 'Sign in' }).click();
    await expect(third.getByText(/9 recovery codes left/)).toBeVisible();
    const fourth = await people.newcomer(options);
    await passwordOf(fourth, auditor);
    await fourth.getByLabel('Code').fill(recovery[0]);
    await fourth.getByRole('button', { name: 'Sign in' }).click();
    await expect(fourth.getByText('This code is not right')).toBeVisible();

    // The administrator sees it, and can take it away.
    await open(admin, '/access?tab=people', { script });
    const row = admin.getByRole('row').filter({ hasText: auditor.login });
    await expect(row).toContainText('Set up');
    await row.locator('summary', { hasText: 'Remove factor…' }).click();
    await row.getByRole('button', { name: `Remove the factor of ${auditor.login}` }).click();
    await expect(row).toContainText('Needed, not set up');
  });
}
