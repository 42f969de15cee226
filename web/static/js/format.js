// Numbers and times as people read them. Pure.

/** What stands where a value is not known. */
export const UNKNOWN = '—';

/**
 * A session time as a clock: 65 is "1:05", 3665 is "1:01:05".
 *
 * @param {number | null} t_s
 * @returns {string}
 */
export function clock(t_s) {
    if (t_s === null || !Number.isFinite(t_s)) return UNKNOWN;
    const whole = Math.max(0, Math.floor(t_s));
    const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const tail = String(seconds).padStart(2, '0');
    return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/**
 * A length of time in words for a screen reader and for sentences: 65 is "1 min 5 s".
 *
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const parts = [
        { n: Math.floor(whole / 3600), unit: 'h' },
        { n: Math.floor(whole / 60) % 60, unit: 'min' },
        { n: whole % 60, unit: 's' },
    ].filter((part) => part.n > 0);
    return parts.length === 0 ? '0 s' : parts.map((part) => `${part.n} ${part.unit}`).join(' ');
}

/**
 * A value in [0, 1] with two decimals.
 *
 * @param {number | null | undefined} value
 * @returns {string}
 */
export function share(value) {
    return value === null || value === undefined ? UNKNOWN : value.toFixed(2);
}

/**
 * A share in percent: 0.128 is "13 %"; what is there but rounds to nothing is "< 1 %".
 *
 * @param {number | null | undefined} value
 * @returns {string}
 */
export function percent(value) {
    if (value === null || value === undefined) return UNKNOWN;
    if (value > 0 && value < 0.005) return '< 1 %';
    return `${Math.round(value * 100)} %`;
}

/**
 * How old a reading is: "0.2 s old".
 *
 * @param {number} age_s
 * @returns {string}
 */
export function age(age_s) {
    return age_s < 10 ? `${age_s.toFixed(1)} s old` : `${duration(age_s)} old`;
}
