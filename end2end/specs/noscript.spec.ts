import { pointer } from '../lib/hands';
import { QUICK, wholePath } from '../lib/journey';
import { test } from '../lib/test';

test.use({ settings: QUICK });

test('ui_a1 the whole path with scripting off', async ({ portal, people, watch }) => {
  test.setTimeout(180_000);
  await wholePath({ portal, people, watch }, { script: false, hands: () => pointer });
});
