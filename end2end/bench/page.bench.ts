// What a person feels on the sessions page (ui-acceptance A2, A4, A5), on a processor slowed four times, beside the same
// document from a bare file server.

import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';

import type { Page } from '@playwright/test';

import { box, rows } from '../lib/journey';
import { expect, hydrated, test } from '../lib/test';

const RUNS = 5;
const SLOWER = 4;

const median = (of: number[]) => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)];

/** First paint with its rows, and how much the layout moved until the page had settled. */
async function paint(page: Page, url: string): Promise<{ paint: number; shift: number }> {
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForTimeout(500);
  return page.evaluate(async () => {
    const shift = await new Promise<number>((done) => {
      let sum = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value;
      }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => done(sum), 100);
    });
    const first = performance.getEntriesByName('first-contentful-paint')[0];
    return { paint: first?.startTime ?? Number.NaN, shift };
  });
}

/** Milliseconds inside the browser from `act` until `there` holds, asked at every change of the page. */
async function until(page: Page, act: string, there: string): Promise<number> {
  return page.evaluate(
    async ([act, there]) => {
      const holds = new Function(`return (${there})`) as () => boolean;
      const begun = performance.now();
      const done = new Promise<number>((resolve) => {
        const watch = new MutationObserver(() => {
          if (holds()) {
            watch.disconnect();
            resolve(performance.now() - begun);
          }
        });
        watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      });
      new Function(act)();
      return done;
    },
    [act, there],
  );
}

function fileServer(html: string): Promise<Server> {
  const server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(html));
  return new Promise((started) => server.listen(0, '127.0.0.1', () => started(server)));
}

test('page', async ({ people, watch }) => {
  // The file server is a stranger to the portal's pages.
  watch.allow(/./);
  const wanted = 4_198 * Number(process.env.BENCH_TIMES ?? '1');
  const page = await people.signedIn('administrator', { bypassCSP: true });
  // Everything has been read once.
  await expect(async () => {
    await page.goto('/sessions');
    const all = await page.locator('.health-count').first().innerText();
    expect(Number(all.replace(/\D/g, ''))).toBeGreaterThanOrEqual(Math.min(wanted * 0.9, 10_000));
    if (wanted > 10_000) {
      await hydrated(page);
      const exact = await page.locator('[data-exact]').first().innerText({ timeout: 5_000 });
      expect(Number(exact.replace(/\D/g, ''))).toBeGreaterThanOrEqual(wanted * 0.9);
    }
  }).toPass({ timeout: 1_500_000, intervals: [5_000] });

  const html = await page.content();
  const peer = await fileServer(html.replaceAll(/<script[\s\S]*?<\/script>/g, ''));
  const peerUrl = `http://127.0.0.1:${(peer.address() as AddressInfo).port}/`;
  const slow = await page.context().newCDPSession(page);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });

  const ours: { paint: number; shift: number }[] = [];
  const raw: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    ours.push(await paint(page, '/sessions'));
    raw.push((await paint(page, peerUrl)).paint);
  }
  const typed: number[] = [];
  const ticked: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    await page.goto('/sessions');
    await hydrated(page);
    await expect(box(rows(page)).first()).toBeVisible();
    ticked.push(
      await until(
        page,
        `document.querySelectorAll('input[name=row]:enabled')[${run}].click()`,
        `!document.getElementById('bulk').hidden`,
      ),
    );
    typed.push(
      await until(
        page,
        `const q = document.getElementById('q'); q.value = 'smi'; q.dispatchEvent(new Event('input', { bubbles: true }))`,
        `location.search.includes('q=smi') && document.querySelector('.chips') !== null`,
      ),
    );
  }
  peer.close();

  const result = {
    sessions: wanted,
    paint_ms: median(ours.map((one) => one.paint)),
    raw_ms: median(raw),
    shift: Math.max(...ours.map((one) => one.shift)),
    search_ms: median(typed),
    tick_ms: median(ticked),
  };
  console.log(`  processor slowed ${SLOWER} times, median of ${RUNS}; search includes the pause after the last key`);
  console.log(
    `BENCH page rows=${wanted} paint_ms=${result.paint_ms.toFixed(0)} x_raw=${(result.paint_ms / result.raw_ms).toFixed(2)} ` +
      `shift=${result.shift.toFixed(3)} search_ms=${result.search_ms.toFixed(0)} tick_ms=${result.tick_ms.toFixed(0)}`,
  );
  const out = process.env.BENCH_OUT;
  if (out) {
    await mkdir(dirname(out), { recursive: true });
    await writeFile(out, JSON.stringify(result, null, 2));
  }
});
