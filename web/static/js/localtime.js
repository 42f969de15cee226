// Rewrite every <time datetime> in the viewer's zone and language, with the zone's name.

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
    full: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
    short: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
    date: { day: 'numeric', month: 'long', year: 'numeric' },
    time: { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
};

/**
 * Return a moment as people in this zone say it.
 *
 * @param {Date} when
 * @param {string} [style] one of full, short, date, time
 * @returns {string}
 */
export function localTime(when, style = 'full') {
    return new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.full).format(when);
}

/**
 * Localise the <time> elements below a node.
 *
 * @param {ParentNode} [root]
 */
export function localiseTimes(root = document) {
    for (const element of root.querySelectorAll('time[datetime]')) {
        const time = /** @type {HTMLTimeElement} */ (element);
        const when = new Date(time.dateTime);
        if (Number.isNaN(when.getTime())) continue;
        time.textContent = localTime(when, time.dataset.style);
        time.title = when.toISOString();
    }
}

localiseTimes();
