import { invited } from '../lib/journey';
import { pointer } from '../lib/hands';
import { expect, test } from '../lib/test';

test('security_c13 a new person sets their own password by a one-time link, and may do nothing yet', async ({
  people,
  watch,
}) => {
  const admin = await people.signedIn('admin');
  const account = { login: 'carol', password: 'correct horse battery staple 7' };
  const carol = await invited(admin, people, watch, account, { script: true, hands: () => pointer });
  await carol.goto('/access');
  await expect(carol.getByText(/Manage access/)).toBeVisible();
});
