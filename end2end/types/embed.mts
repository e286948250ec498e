// How an app uses the browser helper, as the compiler sees it: compiled by a test, never run.

import { type Answer, clear, embed, EmbedError, type TokenAnswer } from '../../server/embed/curfew-embed.js';

const tableau = embed({ user: 'ann', onError: ({ code, text, reference }) => console.log(code, text, reference ?? '') });
const frame: HTMLIFrameElement = document.createElement('iframe');
await tableau.establish();
await tableau.load(frame, 'https://tableau.test/views/A/B');
tableau.stop();
clear();
clear('door');

const answer: Answer = { grant: 'ticket', redeem_url: 'https://tableau.test/trusted/…/views/A/B.png', fresh_s: 480, max_age_s: 28_800 };
embed({ user: 'ann', site: 'sales', path: '/door', key: 'door', getTicket: async () => answer });
embed({ user: 'ann', getTicket: (site) => fetch('/mine', { method: 'POST', body: site }) });
embed({ user: 'ann', onToken: ({ token }: TokenAnswer, element) => element?.setAttribute('token', token) });

try {
  await tableau.load(frame, '');
} catch (error) {
  if (error instanceof EmbedError && error.code === 'cookies_blocked') console.log(error.text.length);
}
throw new EmbedError('signed_out');

// @ts-expect-error whose session it is has to be said
embed({ site: 'sales' });
// @ts-expect-error an answer is no text
embed({ user: 'ann', getTicket: async () => '-1' });
// @ts-expect-error an age without the rest is no answer
embed({ user: 'ann', getTicket: async () => ({ grant: 'ticket', fresh_s: 480 }) });
// @ts-expect-error the element comes first
await tableau.load('https://tableau.test/views/A/B', frame);
