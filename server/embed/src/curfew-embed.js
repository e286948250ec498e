// Shows Tableau views in a page of yours without a sign-in frame. For people: docs/embed.md.
//
// One browser holds one Tableau session. This module asks the app for a ticket, redeems it once by loading the picture of an
// empty view, remembers when, and does it again before the session lapses, for as long as the person is there.
// What is kept in the browser is four times, a hash and the address of that picture: no ticket, no token, no name.
//
// `cargo xtask embed` writes what browsers get: this file without comments and indentation, hence every comment has a line
// of its own and no string goes over two lines.

const AGAIN = 'Please sign in again.';
const NOT_YOURS = 'You may not see this content.';
const LATER = 'This content can’t be reached. Please try again in a minute.';

// What people read; of a code that is not here, that something is wrong.
const TEXTS = {
  unauthorized: AGAIN,
  replayed: AGAIN,
  signed_out: AGAIN,
  too_old: AGAIN,
  site_not_allowed: NOT_YOURS,
  user_not_allowed: NOT_YOURS,
  too_many_requests: LATER,
  unreachable: LATER,
  unavailable: LATER,
  offline: LATER,
  two_sites: 'A page can show content of one site only.',
  replaced: 'Another tab has signed in otherwise. Reload this page to go on here.',
  cookies_blocked: 'Your browser blocks cookies that this content needs. Please allow them for this page.',
};

export class EmbedError extends Error {
  constructor(code = 'odd', reference) {
    const said = TEXTS[code] || 'This content can’t be shown. Please tell who looks after it.';
    const text = said + (reference ? ` (${reference})` : '');
    super(text);
    Object.assign(this, { code, reference, text });
  }
}

// Nothing answers for this long: it is not there.
const PATIENCE = 15e3;
// Extended once this part of the time has passed, so that two more tries fit in.
const DUE = 0.75;
// An address that redeems something with the looks of a ticket.
const TICKET = /^https?:\/\/[^/]+\/trusted\/[\w%=:+-]{9,}\/./;
// Which site this page shows, by storage key.
const sites = {};

const parse = (text) => {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
};

const read = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    throw new EmbedError('cookies_blocked');
  }
};

// At sign-in and at sign-out. What stays is a number, by which a redemption that is under way finds out.
export const clear = (key = 'embed') => localStorage.setItem(key, Date.now() + Math.random());

// One tab at a time. Without Web Locks two tabs may take a ticket each; both work, and the later one is remembered.
const alone = (key, work) => (navigator.locks ? navigator.locks.request(key, work) : work());

const picture = (address, code, reference) =>
  new Promise((done, failed) => {
    const image = new Image();
    const fail = () => failed(new EmbedError(code, reference));
    image.onload = done;
    image.onerror = fail;
    setTimeout(fail, PATIENCE);
    image.src = address;
  });

export function embed({
  user,
  site = '',
  path = '/broker/v1/browser/tickets',
  key = 'embed',
  getTicket = () =>
    fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ site }),
      signal: AbortSignal.timeout(PATIENCE),
    }),
  onToken,
  onError,
}) {
  let active = 0;
  let notBefore = 0;
  let flight, listening, timer, hash;

  const past = (is) => Date.now() > is.since + is.max;

  // Ours, and no more than this part of its time has passed.
  const fresh = (is, part) => is.hash == hash && Date.now() < is.at + is.fresh * part && !past(is);
  // Tableau agrees.
  const comes = (is) => picture(is.view + Date.now()).then(() => true, () => false);

  // A page shows one site: a second one would take the session from the first.
  const own = () => {
    if ((sites[key] ??= site) != site) throw new EmbedError('two_sites');
  };

  const ask = async () => {
    let answer, text;
    try {
      answer = await getTicket(site);
      text = await answer.text?.();
    } catch (error) {
      throw error instanceof EmbedError ? error : new EmbedError('offline');
    }
    if (text == null) return answer;
    const body = parse(text);
    if (answer.ok) return body;
    throw new EmbedError(body.code || (answer.status == 401 ? 'unauthorized' : undefined), body.reference);
  };

  const redeem = async (part) => {
    const before = read(key);
    const is = parse(before);
    // Before content is shown, Tableau is asked too: the session may have been ended there, or the browser closed.
    if (fresh(is, part) && (part < 1 || (await comes(is)))) return;
    const { grant, reference, redeem_url, fresh_s, max_age_s } = await ask();
    // `-1`, a page instead of an answer and everything else that is no ticket end here.
    if (grant != 'ticket' || !TICKET.test(redeem_url) || !(fresh_s > 0 && max_age_s > 0))
      throw new EmbedError('odd', reference);
    const at = Date.now();
    await picture(redeem_url, 'not_redeemed', reference);
    // The same picture without the ticket comes only if the browser kept the cookie and sends it.
    const view = redeem_url.replace(/\/trusted\/[^/]+/, '') + '?:refresh=';
    await picture(view + at, 'cookies_blocked', reference);
    // Cleared meanwhile: a record of another tab is no number.
    const after = read(key);
    if (after != before && after > 0) throw new EmbedError('signed_out');
    const since = is.hash == hash && !past(is) ? is.since : at;
    localStorage.setItem(key, JSON.stringify({ hash, view, at, since, fresh: fresh_s * 1e3, max: max_age_s * 1e3 }));
  };

  // What asks at the same time shares one ticket.
  const session = (part) =>
    (flight ??= (async () => {
      const bytes = new TextEncoder().encode(user + '\n' + site);
      hash ??= new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).join('');
      await alone(key, () => redeem(part));
    })().finally(() => (flight = null)));

  const stop = () => {
    listening?.abort();
    listening = null;
    clearTimeout(timer);
    delete sites[key];
  };

  const tick = async () => {
    if (!listening) return;
    const is = parse(read(key));
    const now = Date.now();
    const soon = Math.min(3e4, is.fresh / 8);
    clearTimeout(timer);
    timer = setTimeout(tick, soon);
    try {
      if (is.hash != hash) throw new EmbedError(is.hash ? 'replaced' : 'signed_out');
      if (past(is)) throw new EmbedError('too_old');
      // Only for who was there since the last time.
      if (active > is.at && !fresh(is, DUE) && now > notBefore) {
        notBefore = now + soon;
        await session(DUE);
      }
    } catch (error) {
      if (TEXTS[error.code] != LATER) stop();
      onError?.(error);
    }
  };

  // The person is there, or is back: the tab may have slept.
  const here = () => {
    if (document.hidden || Date.now() - active < 1e3) return;
    active = Date.now();
    tick();
  };

  const establish = async () => {
    own();
    if (onToken) return token();
    await session(1);
    if (listening) return;
    listening = new AbortController();
    const { signal } = listening;
    // `blur`: also when the person goes into a view, where this page can't see what they do.
    for (const type of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'focus', 'blur', 'pageshow'])
      addEventListener(type, here, { signal, passive: true });
    document.addEventListener('visibilitychange', here, { signal });
    addEventListener('storage', tick, { signal });
    tick();
  };

  // A token counts for one view: nothing is kept.
  const token = async (element, address) => {
    const answer = await ask();
    if (answer.grant != 'jwt' || !answer.token) throw new EmbedError('odd', answer.reference);
    onToken(answer, element, address);
  };

  const load = async (element, address) => {
    own();
    const [is, of = ''] = /^https?:\/\/[^/]+(?:\/t\/([^/]+))?\/views\/./.exec(address) || [];
    if (!is || of != site) throw new EmbedError(is ? 'two_sites' : 'odd');
    if (onToken) return token(element, address);
    await establish();
    element.src = address;
  };

  return { establish, load, stop };
}
