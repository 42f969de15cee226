// Geometry of the gauge and the pies: SVG paths from shares. Pure. Angles in degrees, 0 up, clockwise.

/** The gauge is an arc from the lower left over the top to the lower right. */
export const GAUGE_FROM_DEG = -110;
export const GAUGE_TO_DEG = 110;

/** @typedef {{x: number, y: number}} Point */

/**
 * @param {number} radius
 * @param {number} angle_deg
 * @returns {Point} with the centre at 0, 0 and y down
 */
export function pointAt(radius, angle_deg) {
    const angle = (angle_deg * Math.PI) / 180;
    return { x: radius * Math.sin(angle), y: -radius * Math.cos(angle) };
}

/**
 * Where a value stands on the gauge; values outside [0, 1] stand at its ends.
 *
 * @param {number} value
 * @returns {number} degrees
 */
export function gaugeAngle(value) {
    const bounded = Math.min(1, Math.max(0, value));
    return GAUGE_FROM_DEG + bounded * (GAUGE_TO_DEG - GAUGE_FROM_DEG);
}

/**
 * An open arc, to be stroked.
 *
 * @param {number} radius
 * @param {number} from_deg
 * @param {number} to_deg at least from_deg
 * @returns {string} SVG path data
 */
export function arcPath(radius, from_deg, to_deg) {
    const [from, to] = [pointAt(radius, from_deg), pointAt(radius, to_deg)];
    const isLarge = to_deg - from_deg > 180 ? 1 : 0;
    return `M${xy(from)}A${radius} ${radius} 0 ${isLarge} 1 ${xy(to)}`;
}

/**
 * The slices of a pie, clockwise from the top. Shares that are 0 give an empty path; a whole pie is a full circle.
 *
 * @param {number[]} shares >= 0; they are taken in proportion to their sum
 * @param {number} radius
 * @returns {{path: string, middle_deg: number, share: number}[]} share: of the sum, in [0, 1]
 */
export function pieSlices(shares, radius) {
    const sum = shares.reduce((total, part) => total + part, 0);
    let from = 0;
    return shares.map((part) => {
        const portion = sum > 0 ? part / sum : 0;
        const to = from + portion * 360;
        const slice = { path: slicePath(radius, from, to), middle_deg: (from + to) / 2, share: portion };
        from = to;
        return slice;
    });
}

/**
 * @param {number} radius
 * @param {number} from_deg
 * @param {number} to_deg
 * @returns {string}
 */
function slicePath(radius, from_deg, to_deg) {
    if (to_deg - from_deg <= 0) return '';
    if (to_deg - from_deg >= 359.999) {
        return `M0 ${-radius}A${radius} ${radius} 0 1 1 0 ${radius}A${radius} ${radius} 0 1 1 0 ${-radius}Z`;
    }
    return `M0 0L${arcPath(radius, from_deg, to_deg).slice(1)}Z`;
}

/** @param {Point} point */
function xy({ x, y }) {
    return `${round(x)} ${round(y)}`;
}

/** @param {number} value */
function round(value) {
    return Math.round(value * 1000) / 1000 + 0;
}
