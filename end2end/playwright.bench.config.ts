import base from './playwright.config';

// `cargo xtask bench page`: one worker, nothing beside it, no limit that matters.
export default {
  ...base,
  testDir: 'bench',
  testMatch: '*.bench.ts',
  workers: 1,
  timeout: 1_800_000,
  reporter: [['list']],
  // While everything is read for the first time, pages wait.
  use: { ...base.use, actionTimeout: 300_000, navigationTimeout: 300_000, trace: 'off' as const },
  expect: { timeout: 300_000 },
  projects: [{ name: 'page', use: { database: 'sqlite' as const } }],
};
