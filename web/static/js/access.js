// Access to a room: asked of the server with the page's cookie, used again while it is fresh. No DOM.

import { reloadOnce } from './reload.js';
import { Refused } from './socket.js';

/** @typedef {import('./join_api.js').Access} Access */

/** What the server's no means, as the reason of the end. @type {Record<number, string>} */
const REFUSALS = { 401: 'expired', 403: 'refused', 404: 'refused', 410: 'ended' };

/** A token is good for ten minutes; an older one than this is not used for something new. */
const FRESH_MS = 5 * 60 * 1000;

/**
 * Return a function that gives what another gave a moment ago, or is about to give, instead of asking it again.
 *
 * Everything that was lost comes back at once, and each asks for access: one answer serves them all.
 *
 * @template Answer
 * @param {() => Promise<Answer>} ask
 * @param {{fresh_ms?: number, now_ms?: () => number}} [how]
 * @returns {() => Promise<Answer>}
 */
export function shared(ask, { fresh_ms = 2000, now_ms = () => performance.now() } = {}) {
    /** @type {Promise<Answer> | null} */
    let answer = null;
    let asked_ms = 0;
    return () => {
        if (answer === null || now_ms() - asked_ms > fresh_ms) {
            asked_ms = now_ms();
            const mine = ask();
            answer = mine;
            mine.catch(() => {
                if (answer === mine) answer = null;
            });
        }
        return answer;
    };
}

/**
 * Return a function that gives access.
 *
 * @param {{url: string, csrf: string, now_ms?: () => number, reload?: (why: string) => boolean}} options
 *     url of the call that gives it; reload loads a page again that is out of date
 * @returns {() => Promise<Access>} throws Refused when the server will give none
 */
export function accessTo({ url, csrf, now_ms = () => performance.now(), reload = reloadOnce }) {
    /** @type {Access | null} */
    let access = null;
    let made_ms = 0;
    return shared(async () => {
        if (access !== null && now_ms() - made_ms < FRESH_MS) return access;
        const response = await fetch(url, {
            method: 'POST',
            headers: { 'X-CSRF-Token': csrf, Accept: 'application/json' },
            signal: AbortSignal.timeout(8_000),
        });
        // The page is older than its cookie: one logged in anew, in another window.
        if (response.status === 403 && reload('access')) throw new Error('out of date');
        const refusal = REFUSALS[response.status];
        if (refusal !== undefined) throw new Refused(String(response.status), refusal);
        if (!response.ok) throw new Error(`no access: ${response.status}`);
        access = /** @type {Access} */ (await response.json());
        made_ms = now_ms();
        return access;
    });
}
