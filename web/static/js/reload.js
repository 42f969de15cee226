// Loading a page again that is out of date, but not again and again.

/** After so long a page that is out of date again is loaded again. */
const AGAIN_MS = 60_000;

/**
 * @param {string} why what is out of date; each is counted by itself
 * @param {object} [how]
 * @param {Storage} [how.storage]
 * @param {() => number} [how.now_ms] wall clock
 * @param {() => void} [how.reload]
 * @returns {boolean} false when that was done just now: it does not help
 */
export function reloadOnce(
    why,
    { storage = sessionStorage, now_ms = Date.now, reload = () => location.reload() } = {},
) {
    const key = `composure-reloaded-${why}`;
    if (now_ms() - Number(storage.getItem(key) ?? 0) < AGAIN_MS) return false;
    storage.setItem(key, String(now_ms()));
    reload();
    return true;
}
