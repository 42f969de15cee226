// Access to a room: asked of the server with the page's cookie, used again while it is fresh. No DOM.

import { Refused } from './socket.js';

/** @typedef {import('./join_api.js').Access} Access */

/** A token is good for ten minutes; an older one than this is not used for something new. */
const FRESH_MS = 5 * 60 * 1000;

/**
 * Return a function that gives access.
 *
 * @param {{url: string, csrf: string, now_ms?: () => number}} options url of the call that gives it
 * @returns {() => Promise<Access>} throws Refused when the server will give none
 */
export function accessTo({ url, csrf, now_ms = () => performance.now() }) {
    /** @type {Access | null} */
    let access = null;
    let made_ms = 0;
    return async () => {
        if (access !== null && now_ms() - made_ms < FRESH_MS) return access;
        const response = await fetch(url, {
            method: 'POST',
            headers: { 'X-CSRF-Token': csrf, Accept: 'application/json' },
            signal: AbortSignal.timeout(8_000),
        });
        if ([401, 403, 404, 410].includes(response.status)) throw new Refused(String(response.status));
        if (!response.ok) throw new Error(`no access: ${response.status}`);
        access = /** @type {Access} */ (await response.json());
        made_ms = now_ms();
        return access;
    };
}
