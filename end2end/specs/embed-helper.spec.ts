// The browser helper by itself: each rule of docs/embed.md under a clock that the test moves.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { type Page } from '@playwright/test';

import { APP, clear, errors, establish, expect, load, move, open, pass, TABLEAU, test } from '../lib/helper';

const run = promisify(execFile);

const kept = (page: Page) => page.evaluate(() => JSON.stringify({ ...localStorage }));

test('embed many views on one page share one ticket, redeemed once', async ({ around, context }) => {
  const page = await open(context);
  const told = await Promise.all(['a', 'b', 'c'].map((frame) => load(page, frame, `${TABLEAU}/t/sales/views/Sales/${frame}`)));
  expect(told).toEqual([null, null, null]);
  expect(await load(page, 'a')).toBeNull();
  expect(around.asked).toHaveLength(1);
  expect(around.asked[0]).toEqual({ path: '/broker/v1/browser/tickets', body: '{"site":"sales"}' });
  expect(around.redeemed).toBe(1);
  await expect(page.locator('#b')).toHaveAttribute('src', `${TABLEAU}/t/sales/views/Sales/b`);
  // Content comes after the session, never before.
  const first = around.tableau.findIndex((path) => !path.endsWith('.png'));
  expect(around.tableau.slice(0, first)).toEqual([
    `/trusted/${around.ticket()}/t/sales/views/Login/Login.png`,
    '/t/sales/views/Login/Login.png',
  ]);
});

test('embed the browser keeps times, a hash and an address: no ticket, no token, no name', async ({ around, context }) => {
  const page = await open(context);
  expect(await establish(page)).toBeNull();
  const { embed } = JSON.parse(await kept(page)) as { embed: string };
  const record = JSON.parse(embed) as Record<string, unknown>;
  expect(Object.keys(record).sort()).toEqual(['at', 'fresh', 'hash', 'max', 'since', 'view']);
  expect(record.view).toBe(`${TABLEAU}/t/sales/views/Login/Login.png?:refresh=`);
  const everything = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  for (const secret of [around.ticket(), 'BBBB', 'ann']) expect(everything).not.toContain(secret);
});

test('embed a fresh session needs no ticket on the next page, a lapsed one does, at the time the broker said', async ({
  around,
  context,
}) => {
  const page = await open(context);
  await establish(page);
  await pass(page, 580);
  await page.reload();
  expect(await load(page, 'a')).toBeNull();
  expect(around.asked).toHaveLength(1);
  // The old script waited twice as long.
  await pass(page, 20);
  expect(await load(page, 'b')).toBeNull();
  expect(around.asked).toHaveLength(2);
  expect(around.redeemed).toBe(2);
});

test('embed a session that Tableau has ended is not taken for fresh, nor one of a browser that was closed', async ({
  around,
  context,
}) => {
  const page = await open(context);
  await establish(page);
  around.session = false;
  await page.reload();
  expect(await load(page, 'a')).toBeNull();
  expect(around.asked).toHaveLength(2);
  // Ended in Curfew: no ticket, and no sign-in page in a frame.
  around.session = false;
  around.instead = { status: 403, body: '{"code":"signed_out"}' };
  await page.reload();
  expect(await load(page, 'a')).toMatchObject({ code: 'signed_out' });
  await expect(page.locator('#a')).not.toHaveAttribute('src');
});

for (const locks of [true, false]) {
  test(`embed two tabs at once ${locks ? 'take one ticket' : 'without Web Locks both work'}`, async ({ around, context }) => {
    if (!locks) {
      await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
    }
    around.delay_ms = 300;
    const pages = [await open(context), await open(context)];
    expect(await Promise.all(pages.map((page) => load(page, 'a')))).toEqual([null, null]);
    if (locks) expect(around.asked).toHaveLength(1);
    const before = around.asked.length;
    expect(await Promise.all(pages.map((page) => load(page, 'b')))).toEqual([null, null]);
    expect(around.asked).toHaveLength(before);
  });
}

test('embed two sites on one page are refused, by the site and by the address of a view', async ({ around, context }) => {
  const page = await open(context);
  expect(await load(page, 'a')).toBeNull();
  expect(await load(page, 'b', `${TABLEAU}/t/finance/views/Costs/Year`)).toMatchObject({ code: 'two_sites' });
  expect(await load(page, 'b', `${TABLEAU}/views/Costs/Year`)).toMatchObject({ code: 'two_sites' });
  expect(await load(page, 'b', 'javascript:alert(1)//t/sales/views/x')).toMatchObject({ code: 'odd' });
  expect(await establish(page, { site: 'finance' })).toMatchObject({ code: 'two_sites', text: expect.stringContaining('one site') });
  await expect(page.locator('#b')).not.toHaveAttribute('src');
  expect(around.asked).toHaveLength(1);
});

test('embed the site asked for is the one of the call', async ({ around, context }) => {
  // The old script read a global variable.
  const page = await open(context);
  await page.evaluate(() => Object.assign(window, { siteContentUrl: 'wrong', site: 'wrong' }));
  expect(await establish(page, { site: 'Finance' })).toBeNull();
  expect(around.asked[0].body).toBe('{"site":"Finance"}');
});

test('embed after the page has stopped one site it may show another', async ({ around, context }) => {
  const page = await open(context);
  await establish(page);
  await page.evaluate(() => (window as unknown as { tableau: { stop(): void } }).tableau.stop());
  expect(await establish(page, { site: '' })).toBeNull();
  expect(await load(page, 'a', `${TABLEAU}/views/Costs/Year`)).toBeNull();
  expect(around.asked.map(({ body }) => body)).toEqual(['{"site":"sales"}', '{"site":""}']);
});

test('embed another person overwrites the session, and the tab of the first is told', async ({ around, context }) => {
  const first = await open(context);
  await establish(first);
  const second = await open(context);
  expect(await establish(second, { user: 'bob' })).toBeNull();
  expect(around.asked).toHaveLength(2);
  await expect.poll(() => errors(first)).toEqual(['replaced']);
  await pass(first, 1_200, true);
  expect(around.asked).toHaveLength(2);
  expect(await errors(second)).toEqual([]);
});

test('embed a session is extended before it lapses while somebody is there', async ({ around, context }) => {
  const page = await open(context);
  await establish(page);
  await pass(page, 430, true);
  expect(around.asked).toHaveLength(1);
  await pass(page, 60, true);
  expect(around.asked).toHaveLength(2);
  await pass(page, 1_400, true);
  // Every 450 to 480 seconds, never once in 600.
  expect(around.asked).toHaveLength(5);
  expect(around.redeemed).toBe(around.asked.length);
  expect(await errors(page)).toEqual([]);
});

test('embed nothing is extended while nobody is there, and again once they are back', async ({ around, context }) => {
  const page = await open(context);
  await establish(page);
  await pass(page, 1_300);
  expect(around.asked).toHaveLength(1);
  await move(page);
  await expect.poll(() => around.redeemed).toBe(2);
  expect(await errors(page)).toEqual([]);
});

for (const [name, wake] of [
  ['is looked at again', () => document.dispatchEvent(new Event('visibilitychange'))],
  ['comes back from the history', () => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))],
] as const) {
  test(`embed a tab that slept and ${name} has a session at once`, async ({ around, context }) => {
    const page = await open(context);
    await establish(page);
    // A machine that slept: the clock moves, timers don't run.
    await page.clock.setSystemTime(new Date('2026-03-02T12:00:00Z'));
    await page.evaluate(wake);
    await expect.poll(() => around.redeemed).toBe(2);
  });
}

test('embed nothing is extended past the age the broker allows', async ({ around, context }) => {
  around.over = { fresh_s: 400, max_age_s: 1_000 };
  const page = await open(context);
  await establish(page);
  await pass(page, 990, true);
  expect(around.asked).toHaveLength(4);
  await pass(page, 900, true);
  expect(await errors(page)).toEqual(['too_old']);
  expect(around.asked).toHaveLength(4);
});

test('embed the age counts from the first ticket, through every page in between', async ({ around, context }) => {
  around.over = { fresh_s: 400, max_age_s: 1_000 };
  const page = await open(context);
  await establish(page);
  await pass(page, 700, true);
  await page.reload();
  await establish(page);
  await pass(page, 400, true);
  expect(await errors(page)).toEqual(['too_old']);
});

test('embed sign-out stops every tab, and a new sign-in asks anew', async ({ around, context }) => {
  const page = await open(context);
  const other = await open(context);
  await establish(page);
  await establish(other);
  await clear(page);
  await expect.poll(() => errors(other)).toEqual(['signed_out']);
  await pass(page, 60);
  expect(await errors(page)).toEqual(['signed_out']);
  await pass(other, 1_200, true);
  expect(around.asked).toHaveLength(1);
  expect(await establish(page)).toBeNull();
  expect(around.asked).toHaveLength(2);
});

test('embed a sign-out during a redemption is not overtaken by it', async ({ around, context }) => {
  around.delay_ms = 500;
  const page = await open(context);
  const told = establish(page);
  await expect.poll(() => around.asked.length).toBe(1);
  await clear(page);
  expect(await told).toMatchObject({ code: 'signed_out' });
  expect(JSON.parse(await kept(page)).embed).not.toContain('hash');
});

test('embed what passes is tried again, what does not is told once and left', async ({ around, context }) => {
  const page = await open(context);
  await establish(page);
  around.instead = { status: 503, body: '{"code":"unreachable","reference":"T-9"}' };
  await pass(page, 560, true);
  expect(around.asked.length).toBeGreaterThanOrEqual(3);
  expect(new Set(await errors(page))).toEqual(new Set(['unreachable']));
  around.instead = undefined;
  await pass(page, 60, true);
  expect(around.redeemed).toBe(2);
  // Curfew ended the person, or the app's sign-in is over.
  around.instead = { status: 403, body: '{"code":"signed_out","reference":"T-10"}' };
  const before = around.asked.length;
  await pass(page, 1_200, true);
  expect(around.asked).toHaveLength(before + 1);
  expect((await errors(page)).at(-1)).toBe('signed_out');
});

const REFUSALS: [status: number, code: string, says: RegExp][] = [
  [401, 'unauthorized', /^Please sign in again/],
  [401, 'replayed', /^Please sign in again/],
  [403, 'signed_out', /^Please sign in again/],
  [403, 'site_not_allowed', /^You may not see/],
  [403, 'user_not_allowed', /^You may not see/],
  [429, 'too_many_requests', /try again in a minute/],
  [502, 'refused', /can’t be shown/],
  [502, 'html', /can’t be shown/],
  [503, 'unreachable', /try again in a minute/],
  [503, 'unavailable', /try again in a minute/],
  [502, 'odd', /can’t be shown/],
  [422, 'not_configured', /can’t be shown/],
];
for (const [status, code, says] of REFUSALS) {
  test(`embed a broker that says ${code} is told with a sentence and the reference`, async ({ around, context }) => {
    around.instead = { status, body: JSON.stringify({ code, reference: 'T-7Q3K9ZXW' }), type: 'application/problem+json' };
    const page = await open(context);
    const told = await load(page, 'a');
    expect(told).toEqual({ code, reference: 'T-7Q3K9ZXW', text: expect.stringMatching(says) });
    expect(told?.text).toContain('(T-7Q3K9ZXW)');
    expect(around.tableau).toEqual([]);
    await expect(page.locator('#a')).not.toHaveAttribute('src');
  });
}

const NO_TICKETS: [name: string, instead: { status: number; body: string; type?: string }, code: string][] = [
  ['-1', { status: 200, body: '-1', type: 'text/plain' }, 'odd'],
  ['a sign-in page', { status: 200, body: '<html><form>', type: 'text/html' }, 'odd'],
  ['nothing', { status: 200, body: '' }, 'odd'],
  ['null', { status: 200, body: 'null' }, 'odd'],
  ['401 of the app itself', { status: 401, body: 'Unauthorized', type: 'text/plain' }, 'unauthorized'],
  ['an error page of a proxy', { status: 502, body: '<html>', type: 'text/html' }, 'odd'],
];
for (const [name, instead, code] of NO_TICKETS) {
  test(`embed ${name} is no ticket`, async ({ around, context }) => {
    around.instead = instead;
    expect(await establish(await open(context))).toMatchObject({ code });
    expect(around.tableau).toEqual([]);
  });
}

const BAD_FIELDS: [name: string, over: Record<string, unknown>][] = [
  ['a ticket -1', { redeem_url: `${TABLEAU}/trusted/-1/t/sales/views/Login/Login.png` }],
  ['a page for a ticket', { redeem_url: `${TABLEAU}/trusted/<!doctype html>/t/sales/views/Login/Login.png` }],
  ['no address', { redeem_url: undefined }],
  ['no time', { fresh_s: undefined }],
  ['a time of nothing', { fresh_s: 0 }],
  ['no age', { max_age_s: null }],
  ['a token where a ticket is wanted', { grant: 'jwt', token: 'a.b.c' }],
];
for (const [name, over] of BAD_FIELDS) {
  test(`embed an answer with ${name} is not used`, async ({ around, context }) => {
    around.over = over;
    expect(await establish(await open(context))).toMatchObject({ code: 'odd', reference: 'T-1' });
    expect(around.tableau).toEqual([]);
  });
}

test('embed an app that can’t be reached is said', async ({ around, context }) => {
  const page = await open(context);
  await context.route(`${APP}/broker/**`, (route) => route.abort());
  expect(await load(page, 'a')).toMatchObject({ code: 'offline', text: expect.stringContaining('try again') });
  expect(around.tableau).toEqual([]);
});

test('embed a ticket that Tableau does not take is said with its reference', async ({ around, context }) => {
  around.takes = false;
  const page = await open(context);
  expect(await load(page, 'a')).toMatchObject({ code: 'not_redeemed', reference: 'T-1' });
  await expect(page.locator('#a')).not.toHaveAttribute('src');
  expect(await kept(page)).toBe('{}');
});

test('embed a cookie that does not come back is said', async ({ around, context }) => {
  around.cookies = false;
  const page = await open(context);
  const told = await load(page, 'a');
  expect(told).toMatchObject({ code: 'cookies_blocked', reference: 'T-1', text: expect.stringContaining('blocks cookies') });
  expect(await kept(page)).toBe('{}');
  await expect(page.locator('#a')).not.toHaveAttribute('src');
});

test('embed storage that is blocked altogether is said', async ({ context, around }) => {
  await context.addInitScript(() => {
    Storage.prototype.getItem = () => {
      throw new DOMException('denied', 'SecurityError');
    };
  });
  expect(await establish(await open(context))).toMatchObject({ code: 'cookies_blocked' });
  expect(around.asked).toEqual([]);
});

test('embed path and key are the app’s to name', async ({ around, context }) => {
  const page = await open(context);
  expect(await establish(page, { path: '/analytics/door', key: 'door' })).toBeNull();
  expect(around.asked[0].path).toBe('/analytics/door');
  expect(Object.keys(JSON.parse(await kept(page)) as object)).toEqual(['door']);
});

test('embed an app may ask by itself', async ({ around, context }) => {
  const page = await open(context);
  const told = await page.evaluate(async () => {
    const { make, tell, helper } = window as unknown as {
      make(options: object): { establish(): Promise<void>; stop(): void };
      tell(work: () => unknown): Promise<{ code: string } | null>;
      helper: { EmbedError: new (code: string) => Error };
    };
    const made = async (getTicket: (site: string) => unknown) => {
      const tableau = make({ getTicket });
      const found = await tell(() => tableau.establish());
      tableau.stop();
      return found?.code;
    };
    return [
      await made(() => {
        throw new helper.EmbedError('signed_out');
      }),
      await made(() => undefined),
      await made(async (site) => (await fetch('/mine', { method: 'POST', body: site })).json()),
    ];
  });
  expect(told).toEqual(['signed_out', 'offline', undefined]);
  expect(around.asked).toEqual([{ path: '/mine', body: 'sales' }]);
});

test('embed a connected app’s token goes to the app, one for each view, and is not kept', async ({ around, context }) => {
  around.over = { grant: 'jwt', token: 'header.body.signature', redeem_url: undefined };
  const page = await open(context);
  const got = await page.evaluate(async (address) => {
    const { make } = window as unknown as { make(options: object): { load(element: unknown, address: string): Promise<void> } };
    const got: unknown[] = [];
    const tableau = make({
      onToken: (answer: { token: string }, element: Element, address: string) => got.push([answer.token, element.id, address]),
    });
    await tableau.load(document.getElementById('a'), address);
    await tableau.load(document.getElementById('b'), address);
    return got;
  }, `${TABLEAU}/t/sales/views/Sales/Overview`);
  expect(got).toEqual(['a', 'b'].map((id) => ['header.body.signature', id, `${TABLEAU}/t/sales/views/Sales/Overview`]));
  expect(around.asked).toHaveLength(2);
  expect(around.tableau).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]))).toBe('[{},""]');
});

test('embed its types say what it is, to the compiler', async () => {
  const said = await run(resolve('node_modules/.bin/tsc'), ['--project', 'types']).then(
    () => '',
    (failed: { stdout: string }) => failed.stdout,
  );
  expect(said).toBe('');
  const types = await readFile('../server/embed/curfew-embed.d.ts', 'utf8');
  const source = await readFile('../server/embed/curfew-embed.js', 'utf8');
  const exported = (text: string, how: RegExp) => [...text.matchAll(how)].map(([, name]) => name).sort();
  expect(exported(source, /^export (?:const|class|function) (\w+)/gm)).toEqual(
    exported(types, /^export declare (?:class|function) (\w+)/gm),
  );
  const sentences = /const TEXTS = \{([^}]+)\}/.exec(source)?.[1] ?? '';
  const codes = [...sentences.matchAll(/^(\w+):/gm), ...source.matchAll(/(?:EmbedError\(|redeem_url, )'(\w+)'/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(12);
  for (const code of codes) expect(types).toContain(`| '${code}'`);
});
