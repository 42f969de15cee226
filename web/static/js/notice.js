// What a form's answer says on a fresh page: text that was there from the start is no news to a live region.

import { announce } from './announce.js';

/** Screen readers first read the page's title. */
const AFTER_MS = 700;

const texts = [...document.querySelectorAll('[data-notice]')].map((notice) => notice.textContent?.trim() ?? '');
if (texts.length > 0) setTimeout(() => announce(texts.join(' ')), AFTER_MS);
