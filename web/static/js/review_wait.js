// While answers are being reviewed the summary shows each review as soon as it is there.

import { announce } from './announce.js';

const EVERY_MS = 5000;

/**
 * Look again and again until nothing is being reviewed any more; does nothing when nothing is.
 *
 * @param {string} id of the section that holds the answers and their reviews
 */
export function followReviews(id) {
    if (document.getElementById('being-reviewed') === null) return;
    setTimeout(async () => {
        const newer = await fetchSection(id).catch(() => null);
        const shown = document.getElementById(id);
        if (newer !== null && shown !== null && news(newer) !== news(shown)) {
            keepOpen(shown, newer);
            shown.replaceWith(newer);
            announce(newer.querySelector('[data-review-news]')?.textContent ?? '');
        }
        followReviews(id);
    }, EVERY_MS);
}

/** @param {Element} section */
function news(section) {
    return section.querySelector('[data-review-news]')?.textContent ?? '';
}

/**
 * @param {string} id
 * @returns {Promise<HTMLElement | null>} the section as it is on the server now
 */
async function fetchSection(id) {
    const response = await fetch(location.pathname, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) return null;
    return new DOMParser().parseFromString(await response.text(), 'text/html').getElementById(id);
}

/**
 * What a reader has opened stays open.
 *
 * @param {Element} from
 * @param {Element} to
 */
function keepOpen(from, to) {
    const shut = to.querySelectorAll('details');
    from.querySelectorAll('details').forEach(({ open }, i) => {
        const details = shut[i];
        if (details !== undefined) details.open = open;
    });
}
