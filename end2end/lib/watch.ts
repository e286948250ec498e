// Eyes on every page of a test: no error in the console, nothing the content policy refused, and no secret anywhere in
// an address, a title, the page itself or the portal's log (ui-acceptance B2).

import { expect, type Page } from '@playwright/test';

export class Watch {
  private readonly troubles: string[] = [];
  private readonly addresses: string[] = [];
  private readonly titles: string[] = [];
  private readonly secrets = new Set<string>();
  private readonly allowed: RegExp[] = [];

  constructor(private readonly portal: string) {}

  page(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error' || /hydration|Content Security Policy/i.test(message.text())) {
        this.troubles.push(`console on ${page.url()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => this.troubles.push(`error on ${page.url()}: ${error.message}`));
    page.on('request', (request) => {
      this.addresses.push(request.url());
      const referrer = request.headers().referer;
      if (referrer) this.addresses.push(referrer);
      if (!request.url().startsWith(this.portal) && !request.url().startsWith('data:')) {
        this.troubles.push(`request to elsewhere: ${request.url()}`);
      }
    });
    page.on('framenavigated', (frame) => {
      if (frame === page.mainFrame()) page.title().then((title) => this.titles.push(title), () => undefined);
    });
  }

  /** A password, a code or a cookie's value: from now on it may appear nowhere. */
  secret(value: string): void {
    if (value.length >= 8) this.secrets.add(value);
  }

  /** What this test provokes on purpose, such as the 401 of an ended session. */
  allow(trouble: RegExp): void {
    this.allowed.push(trouble);
  }

  judge(log: string): void {
    const troubles = this.troubles.filter((trouble) => !this.allowed.some((allowed) => allowed.test(trouble)));
    expect(troubles, 'console, content policy, requests').toEqual([]);
    for (const secret of this.secrets) {
      const forms = [secret, encodeURIComponent(secret)];
      const leaks = (text: string) => forms.some((form) => text.includes(form));
      expect(this.addresses.filter(leaks), 'ui_b2: a secret in an address').toEqual([]);
      expect(this.titles.filter(leaks), 'ui_b2: a secret in a title').toEqual([]);
      // The demo's own passwords are printed for people on purpose; log lines carry a level.
      const lines = log.split('\n').filter((line) => /\b(INFO|WARN|ERROR|DEBUG)\b/.test(line));
      expect(lines.filter(leaks), 'ui_b2: a secret in the log').toEqual([]);
    }
  }
}
