import base from './playwright.config';

// `cargo xtask bench page`: one worker, nothing beside it, no limit that matters.
export default {
  ...base,
  testDir: 'bench',
  testMatch: '*.bench.ts',
  workers: 1,
  timeout: 1_800_000,
  reporter: [['list']],
  projects: [{ name: 'page', use: { database: 'sqlite' as const } }],
};
