// The table beside a chart: the same data as rows, filled only while it is open.

import { make } from './elements.js';
import { clock, percent, share } from './format.js';
import { twinRows } from './series.js';
import { bandName } from './words.js';

/** @typedef {import('./series.js').Columns} Columns */
/** @typedef {{columns: Columns, from_s: number, to_s: number}} Stretch */

/**
 * Tie a <details> with a .table-scroll inside to a chart.
 *
 * @param {HTMLDetailsElement} details
 * @param {() => Stretch} stretch what the chart shows now
 * @returns {() => void} call it when the chart has changed
 */
export function createTwin(details, stretch) {
    const place = /** @type {HTMLElement} */ (details.querySelector('.table-scroll'));
    const refresh = () => {
        if (details.open) place.replaceChildren(twinTable(stretch()));
    };
    details.addEventListener('toggle', refresh);
    return refresh;
}

/**
 * @param {Stretch} stretch
 * @returns {HTMLElement}
 */
function twinTable({ columns, from_s, to_s }) {
    const rows = twinRows(columns, from_s, to_s);
    if (rows.length === 0) return make('p', { class: 'soft' }, ['No estimates yet.']);
    const heads = ['From', 'Mean stress', 'Band', 'Least', 'Most', 'Measurable'];
    return make('table', { class: 'twin-table' }, [
        make('caption', { class: 'visually-hidden' }, ['Stress over time']),
        make('thead', {}, [
            make(
                'tr',
                {},
                heads.map((head) => make('th', { scope: 'col' }, [head])),
            ),
        ]),
        make(
            'tbody',
            {},
            rows.map((row) =>
                make('tr', { class: 'number' }, [
                    make('th', { scope: 'row' }, [clock(row.from_s)]),
                    make('td', {}, [row.mean === null ? 'unknown' : share(row.mean)]),
                    make('td', {}, [row.band === null ? '—' : bandName(row.band)]),
                    make('td', {}, [share(row.least)]),
                    make('td', {}, [share(row.most)]),
                    make('td', {}, [percent(row.known)]),
                ]),
            ),
        ),
    ]);
}
