import { pointer } from '../lib/hands';
import { QUICK, wholePath } from '../lib/journey';
import { test } from '../lib/test';

test.use({ settings: QUICK });

test('ui_accept the whole path: see, filter, select, preview, end, read back, prove', async ({ portal, people, watch }) => {
  test.setTimeout(180_000);
  await wholePath({ portal, people, watch }, { script: true, hands: () => pointer });
});
