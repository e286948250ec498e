const AGAIN = 'Please sign in again.';
const NOT_YOURS = 'You may not see this content.';
const LATER = 'This content can’t be reached. Please try again in a minute.';
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
const PATIENCE = 15e3;
const DUE = 0.75;
const TICKET = /^https?:\/\/[^/]+\/trusted\/[\w%=:+-]{9,}\/./;
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
export const clear = (key = 'embed') => localStorage.setItem(key, Date.now() + Math.random());
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
const fresh = (is, part) => is.hash == hash && Date.now() < is.at + is.fresh * part && !past(is);
const comes = (is) => picture(is.view + Date.now()).then(() => true, () => false);
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
if (fresh(is, part) && (part < 1 || (await comes(is)))) return;
const { grant, reference, redeem_url, fresh_s, max_age_s } = await ask();
if (grant != 'ticket' || !TICKET.test(redeem_url) || !(fresh_s > 0 && max_age_s > 0))
throw new EmbedError('odd', reference);
const at = Date.now();
await picture(redeem_url, 'not_redeemed', reference);
const view = redeem_url.replace(/\/trusted\/[^/]+/, '') + '?:refresh=';
await picture(view + at, 'cookies_blocked', reference);
const after = read(key);
if (after != before && after > 0) throw new EmbedError('signed_out');
const since = is.hash == hash && !past(is) ? is.since : at;
localStorage.setItem(key, JSON.stringify({ hash, view, at, since, fresh: fresh_s * 1e3, max: max_age_s * 1e3 }));
};
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
if (active > is.at && !fresh(is, DUE) && now > notBefore) {
notBefore = now + soon;
await session(DUE);
}
} catch (error) {
if (TEXTS[error.code] != LATER) stop();
onError?.(error);
}
};
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
for (const type of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'focus', 'blur', 'pageshow'])
addEventListener(type, here, { signal, passive: true });
document.addEventListener('visibilitychange', here, { signal });
addEventListener('storage', tick, { signal });
tick();
};
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
