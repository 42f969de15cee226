// The estimates of a session as columns over time: gaps, decimation, rows of the table twin. Pure.

import { bandOf } from './words.js';

/** @typedef {import('./protocol.js').Estimate} Estimate */
/** @typedef {import('./protocol.js').Band} Band */

/** Estimates come once a second; a longer silence than this is a gap. */
export const GAP_S = 1.5;

/** The short view of the trend. */
export const RECENT_S = 300;

/**
 * @typedef {object} Columns aligned arrays; null where nothing could be said
 * @property {number[]} t_s ascending
 * @property {(number | null)[]} stress
 * @property {(number | null)[]} face
 * @property {(number | null)[]} voice
 */

/** @typedef {{from_s: number, to_s: number}} Span */

/** @returns {Columns} */
export function emptyColumns() {
    return { t_s: [], stress: [], face: [], voice: [] };
}

/**
 * Return the estimates in the order of time, each time once (the later message wins).
 *
 * @param {Estimate[]} known in the order of time
 * @param {Estimate[]} fresh in any order
 * @returns {Estimate[]}
 */
export function merged(known, fresh) {
    const last = known.at(-1);
    if (fresh.length === 1 && fresh[0] !== undefined && (last === undefined || fresh[0].t_s > last.t_s)) {
        return [...known, fresh[0]];
    }
    const byTime = new Map([...known, ...fresh].map((estimate) => [estimate.t_s, estimate]));
    return [...byTime.values()].sort((a, b) => a.t_s - b.t_s);
}

/**
 * Return estimates as columns, with an empty row inside every stretch without estimates, so that no line crosses it.
 *
 * @param {Estimate[]} estimates in the order of time
 * @returns {Columns}
 */
export function columnsOf(estimates) {
    return withGaps({
        t_s: estimates.map((estimate) => estimate.t_s),
        stress: estimates.map((estimate) => estimate.stress.value),
        face: estimates.map((estimate) => estimate.face.value),
        voice: estimates.map((estimate) => estimate.voice.value),
    });
}

/**
 * Put an empty row inside every stretch without rows.
 *
 * @param {Columns} rows
 * @returns {Columns}
 */
export function withGaps(rows) {
    const columns = emptyColumns();
    rows.t_s.forEach((t_s, i) => {
        const before = rows.t_s[i - 1] ?? t_s;
        if (t_s - before > GAP_S) push(columns, before + 1, null, null, null);
        copyRow(rows, i, columns);
    });
    return columns;
}

/**
 * Return the rows between two times and one on either side of them, so that lines reach the edge of a chart.
 *
 * @param {Columns} columns
 * @param {number} from_s
 * @param {number} to_s
 * @returns {Columns}
 */
export function between(columns, from_s, to_s) {
    const first = columns.t_s.findIndex((t_s) => t_s >= from_s);
    if (first === -1) return emptyColumns();
    let end = columns.t_s.length;
    while (end > first && (columns.t_s[end - 1] ?? 0) > to_s) end -= 1;
    return sliced(columns, Math.max(0, first - 1), end + 1);
}

/**
 * Thin out to about `maxRows` rows: of each stretch the row with the least and the one with the most stress stay, in
 * their order. A stretch that has unknown rows keeps one of them, so that no gap disappears.
 *
 * @param {Columns} columns
 * @param {number} maxRows at least 3
 * @returns {Columns}
 */
export function decimated(columns, maxRows) {
    const n = columns.t_s.length;
    if (n <= maxRows) return columns;
    const size = Math.ceil((3 * n) / maxRows);
    const kept = emptyColumns();
    for (let from = 0; from < n; from += size) {
        for (const i of extremes(columns.stress, from, Math.min(n, from + size))) copyRow(columns, i, kept);
    }
    return kept;
}

/**
 * The stretches without a known stress: from the last known row before to the first known one after. Before the first
 * known row a stretch begins at the first row; after the last it ends at the last.
 *
 * @param {Columns} columns
 * @returns {Span[]}
 */
export function gapSpans({ t_s, stress }) {
    /** @type {Span[]} */
    const spans = [];
    let start = -1;
    for (let i = 0; i <= stress.length; i += 1) {
        const isUnknown = i < stress.length && stress[i] === null;
        if (isUnknown && start === -1) start = i;
        if (!isUnknown && start !== -1) {
            const from_s = t_s[Math.max(0, start - 1)] ?? 0;
            const to_s = t_s[Math.min(i, t_s.length - 1)] ?? from_s;
            if (to_s > from_s) spans.push({ from_s, to_s });
            start = -1;
        }
    }
    return spans;
}

/**
 * @typedef {object} TwinRow one row of the table beside a chart
 * @property {number} from_s
 * @property {number} to_s
 * @property {number | null} mean stress
 * @property {number | null} least
 * @property {number | null} most
 * @property {Band | null} band of the mean
 * @property {number} known share of the rows with a known stress, in [0, 1]
 */

/**
 * Return a chart as a table of at most `maxRows` stretches of equal, round length.
 *
 * @param {Columns} columns
 * @param {number} from_s
 * @param {number} to_s
 * @param {number} [maxRows]
 * @returns {TwinRow[]}
 */
export function twinRows(columns, from_s, to_s, maxRows = 30) {
    const step_s = roundStep((to_s - from_s) / maxRows);
    /** @type {Map<number, (number | null)[]>} */
    const stretches = new Map();
    columns.t_s.forEach((t_s, i) => {
        if (t_s < from_s || t_s > to_s) return;
        const start = Math.floor(t_s / step_s) * step_s;
        const stretch = stretches.get(start) ?? [];
        stretch.push(columns.stress[i] ?? null);
        stretches.set(start, stretch);
    });
    return [...stretches].map(([start, values]) => twinRow(start, start + step_s, values));
}

/**
 * @param {number} from_s
 * @param {number} to_s
 * @param {(number | null)[]} values
 * @returns {TwinRow}
 */
function twinRow(from_s, to_s, values) {
    const known = values.filter((value) => value !== null);
    const mean = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
    return {
        from_s,
        to_s,
        mean,
        least: known.length === 0 ? null : Math.min(...known),
        most: known.length === 0 ? null : Math.max(...known),
        band: mean === null ? null : bandOf(mean),
        known: values.length === 0 ? 0 : known.length / values.length,
    };
}

/**
 * The smallest round length that is at least `step_s`.
 *
 * @param {number} step_s
 * @returns {number} seconds
 */
function roundStep(step_s) {
    return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((round_s) => round_s >= step_s) ?? 1200;
}

/**
 * @param {(number | null)[]} values
 * @param {number} from
 * @param {number} end
 * @returns {number[]} indices, ascending: an unknown, the least and the most
 */
function extremes(values, from, end) {
    let [unknown, least, most] = [-1, -1, -1];
    for (let i = from; i < end; i += 1) {
        const value = values[i] ?? null;
        if (value === null) unknown = i;
        else {
            if (least === -1 || value < Number(values[least])) least = i;
            if (most === -1 || value > Number(values[most])) most = i;
        }
    }
    return [...new Set([unknown, least, most])].filter((i) => i !== -1).sort((a, b) => a - b);
}

/**
 * @param {Columns} columns
 * @param {number} t_s
 * @param {number | null} stress
 * @param {number | null} face
 * @param {number | null} voice
 */
function push(columns, t_s, stress, face, voice) {
    columns.t_s.push(t_s);
    columns.stress.push(stress);
    columns.face.push(face);
    columns.voice.push(voice);
}

/**
 * @param {Columns} from
 * @param {number} i
 * @param {Columns} to
 */
function copyRow(from, i, to) {
    push(to, from.t_s[i] ?? 0, from.stress[i] ?? null, from.face[i] ?? null, from.voice[i] ?? null);
}

/**
 * @param {Columns} columns
 * @param {number} from
 * @param {number} end
 * @returns {Columns}
 */
function sliced({ t_s, stress, face, voice }, from, end) {
    return {
        t_s: t_s.slice(from, end),
        stress: stress.slice(from, end),
        face: face.slice(from, end),
        voice: voice.slice(from, end),
    };
}
