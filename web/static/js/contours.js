// Pitch and level over the last two minutes as lines, and as rows of a table. Pure.

/** @typedef {import('./protocol.js').Estimate} Estimate */

/** The server keeps a page that comes back supplied with the signals of so long a time. */
export const CONTOUR_S = 120;

/** A longer hole breaks the line: estimates come once a second. */
const BREAK_S = 1.5;

/** An older value stands still: it is drawn as a hole, not as a line that goes on. */
const FROZEN_S = 3;

/** Rows of the table are so long. */
const ROW_S = 10;

/** @typedef {{t_s: number, value: number | null}} Point */

/**
 * One signal over the last CONTOUR_S up to a time.
 *
 * @param {Estimate[]} estimates in the order of time
 * @param {string} name
 * @param {number} now_s session time
 * @returns {Point[]}
 */
export function contourOf(estimates, name, now_s) {
    /** @type {Point[]} */
    const points = [];
    for (let i = estimates.length - 1; i >= 0; i -= 1) {
        const { t_s, signals } = /** @type {Estimate} */ (estimates[i]);
        if (t_s < now_s - CONTOUR_S) break;
        const signal = signals?.[name];
        const isThere = signal !== undefined && signal.value !== null && signal.age_s <= FROZEN_S;
        points.push({ t_s, value: isThere ? signal.value : null });
    }
    return points.reverse();
}

/**
 * The least and the most that a contour's scale shows: its values, and at least `least_span` apart.
 *
 * @param {Point[]} points
 * @param {number} least_span
 * @returns {{low: number, high: number} | null} null without a known value
 */
export function contourScale(points, least_span) {
    const known = points.flatMap(({ value }) => (value === null ? [] : [value]));
    if (known.length === 0) return null;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const more = Math.max(0, least_span - (high - low)) / 2;
    return { low: low - more, high: high + more };
}

/**
 * An SVG path; what is not known breaks the line, and a value between two holes is a dot.
 *
 * @param {Point[]} points
 * @param {{low: number, high: number}} scale
 * @param {{now_s: number, width: number, height: number}} box
 * @returns {string}
 */
export function contourPath(points, { low, high }, { now_s, width, height }) {
    const parts = [];
    let before_s = Number.NEGATIVE_INFINITY;
    for (const { t_s, value } of points) {
        if (value === null) continue;
        const x = (width * (t_s - now_s + CONTOUR_S)) / CONTOUR_S;
        const y = height * (1 - (value - low) / (high - low));
        const at = `${x.toFixed(1)} ${y.toFixed(1)}`;
        parts.push(t_s - before_s > BREAK_S ? `M${at}h0.1` : `L${at}`);
        before_s = t_s;
    }
    return parts.join('');
}

/**
 * @param {Point[][]} contours of the same estimates
 * @returns {{from_s: number, means: (number | null)[]}[]} means over stretches of ROW_S
 */
export function contourRows(contours) {
    /** @type {Map<number, number[][]>} */
    const rows = new Map();
    contours.forEach((points, i) => {
        for (const { t_s, value } of points) {
            const from_s = Math.floor(t_s / ROW_S) * ROW_S;
            const row = rows.get(from_s) ?? contours.map(() => []);
            rows.set(from_s, row);
            if (value !== null) row[i]?.push(value);
        }
    });
    return [...rows].map(([from_s, row]) => ({
        from_s,
        means: row.map((values) => (values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length)),
    }));
}
