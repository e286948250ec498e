import { keyboard } from '../lib/hands';
import { QUICK, wholePath } from '../lib/journey';
import { test } from '../lib/test';

test.use({ settings: QUICK });

test('ui_g1 ui_h3 the whole path by keyboard alone, focus always seen', async ({ portal, people, watch }) => {
  test.setTimeout(240_000);
  await wholePath({ portal, people, watch }, { script: true, hands: keyboard });
});
