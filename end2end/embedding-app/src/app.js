// All that an app writes to show views: docs/embed.md.

import { clear, embed } from './curfew-embed.js';

const { user, site } = document.body.dataset;

if (user) {
  const told = document.getElementById('told');
  const frames = [...document.querySelectorAll('iframe[data-view]')];
  const tell = (error) => {
    told.textContent = error.text;
    told.dataset.code = error.code;
    told.hidden = false;
    // Nothing of the person stays on the screen of a page they are signed out of.
    if (error.code === 'signed_out' || error.code === 'unauthorized') for (const frame of frames) frame.removeAttribute('src');
  };
  const tableau = embed({ user, site, onError: tell });
  for (const frame of frames) tableau.load(frame, frame.dataset.view).catch(tell);
} else {
  // The page of sign-in, and the one after sign-out.
  clear();
}
