// A page that the server could not give just now: ask again in the background, and load it when it is there.
//
// Not <meta http-equiv="refresh">: that would take the page from under whoever is reading it.

import { byId } from './elements.js';

const TIMEOUT_MS = 10_000;

/** @param {number} seconds */
function askAfter(seconds) {
    setTimeout(() => void ask(), seconds * 1000);
}

async function ask() {
    let wait_s = DEFAULT_S;
    try {
        const response = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
        if (response.status !== 503) {
            location.reload();
            return;
        }
        wait_s = Number(response.headers.get('Retry-After')) || DEFAULT_S;
    } catch {
        // The server is away for a moment: it is asked again.
    }
    askAfter(wait_s);
}

const DEFAULT_S = Number(byId('try-again').dataset.seconds);
askAfter(DEFAULT_S);
