// The stress gauge: an SVG arc with a needle, and words beside it. What it says is decided in live_view.js.

import { arcPath, gaugeAngle, GAUGE_FROM_DEG, GAUGE_TO_DEG, pointAt } from './arcs.js';
import { make, makeSvg, setText } from './elements.js';
import { percent, share, UNKNOWN } from './format.js';
import { spokenValue } from './live_view.js';
import { BAND_LIMITS, bandName, BANDS, bandShape, trajectoryWords } from './words.js';

/** @typedef {import('./live_view.js').LiveView} LiveView */

const RADIUS = 88;
const RANGE_RADIUS = 72;
const SPACE_DEG = 1.2;

/** Stands under a value that needs no other explanation. */
const WHAT_IT_IS = 'An uncertain sign, not a feeling.';

/**
 * Build the gauge in a container.
 *
 * @param {HTMLElement} container
 * @returns {(view: LiveView) => void} shows a view
 */
export function createGauge(container) {
    const range = makeSvg('path', { class: 'gauge-range' });
    const needle = makeSvg('circle', { class: 'gauge-needle', cx: 0, cy: -RADIUS, r: 9 });
    const picture = makeSvg('svg', { viewBox: '-124 -114 248 164', class: 'gauge-picture', 'aria-hidden': 'true' }, [
        hatchPattern(),
        ...bandArcs(),
        ...tickLabels(),
        range,
        needle,
    ]);
    const number = make('p', { class: 'gauge-number number' });
    const word = make('p', { class: 'gauge-word' });
    const meter = make('div', { class: 'gauge-meter' }, [
        picture,
        make('div', { class: 'gauge-centre' }, [number, word]),
    ]);
    const detail = make('p', { class: 'gauge-detail' });
    const direction = make('dd');
    const window_ = make('dd', { class: 'number' });
    const quality = make('dd', { class: 'number' });
    const old = make('dd', { class: 'number' });
    const facts = make('dl', { class: 'gauge-facts' }, [
        fact('Direction', direction),
        fact('Last 30 s', window_),
        fact('Quality', quality),
        fact('Age', old),
    ]);
    container.append(meter, detail, facts);
    container.classList.add('gauge');

    return (view) => {
        const { estimate, kind, value } = view;
        const isLive = kind === 'value' || kind === 'provisional';
        container.dataset.kind = kind;
        container.dataset.band = isLive ? (estimate?.band ?? '') : '';
        showMeter(meter, view);
        setText(number, isLive || (kind === 'stale' && value !== null) ? share(value) : '');
        setText(word, isLive ? bandWords(estimate?.band ?? null) : view.word);
        setText(detail, isLive && view.detail === '' ? WHAT_IT_IS : view.detail);
        needle.setAttribute('visibility', isLive || (kind === 'stale' && value !== null) ? 'visible' : 'hidden');
        needle.setAttribute('transform', `rotate(${gaugeAngle(value ?? 0)})`);
        showRange(range, isLive ? estimate : null);
        const words = isLive ? trajectoryWords(estimate?.trajectory ?? null) : null;
        setText(direction, words === null ? (isLive ? 'Not yet' : UNKNOWN) : `${words.arrow} ${words.word}`);
        setText(window_, isLive ? windowWords(estimate) : UNKNOWN);
        setText(quality, isLive && estimate !== null ? percent(estimate.stress.quality) : UNKNOWN);
        setText(old, isLive && estimate !== null ? `${estimate.stress.age_s.toFixed(1)} s` : UNKNOWN);
    };
}

/**
 * A meter has a value; without one it is a picture with words.
 *
 * @param {HTMLElement} meter
 * @param {LiveView} view
 */
function showMeter(meter, view) {
    const hasValue = view.kind === 'value' || view.kind === 'provisional';
    meter.setAttribute('role', hasValue ? 'meter' : 'img');
    meter.setAttribute('aria-label', hasValue ? 'Stress' : `Stress: ${spokenValue(view)}`);
    /** @type {Record<string, string>} */
    const values = {
        'aria-valuemin': '0',
        'aria-valuemax': '1',
        'aria-valuenow': share(view.value),
        'aria-valuetext': spokenValue(view),
    };
    for (const [name, text] of Object.entries(values)) {
        if (hasValue) meter.setAttribute(name, text);
        else meter.removeAttribute(name);
    }
}

/**
 * The spread of the last 30 seconds: mean plus and minus one standard deviation.
 *
 * @param {SVGPathElement} range
 * @param {import('./protocol.js').Estimate | null} estimate
 */
function showRange(range, estimate) {
    const mean = estimate?.window_mean ?? null;
    const sd = estimate?.window_sd ?? null;
    if (mean === null || sd === null) {
        range.setAttribute('d', '');
        return;
    }
    const from = gaugeAngle(mean - sd);
    range.setAttribute('d', arcPath(RANGE_RADIUS, from, Math.max(from + 0.5, gaugeAngle(mean + sd))));
}

/** @param {import('./protocol.js').Band | null} band */
function bandWords(band) {
    return band === null ? '' : `${bandShape(band)} ${bandName(band)}`;
}

/** @param {import('./protocol.js').Estimate | null} estimate */
function windowWords(estimate) {
    if (estimate === null || estimate.window_mean === null) return UNKNOWN;
    return `${share(estimate.window_mean)} ± ${share(estimate.window_sd)}`;
}

/** @returns {SVGElement[]} */
function bandArcs() {
    const limits = [0, ...BAND_LIMITS, 1];
    return BANDS.map((band, i) => {
        const from = gaugeAngle(limits[i]) + (i === 0 ? 0 : SPACE_DEG);
        const to = gaugeAngle(limits[i + 1]) - (i === BANDS.length - 1 ? 0 : SPACE_DEG);
        return makeSvg('path', { d: arcPath(RADIUS, from, to), class: `gauge-band gauge-band-${band}` });
    }).concat(makeSvg('path', { d: arcPath(RADIUS, GAUGE_FROM_DEG, GAUGE_TO_DEG), class: 'gauge-veil' }));
}

/** @returns {SVGElement[]} */
function tickLabels() {
    return [0, ...BAND_LIMITS, 1].map((limit) => {
        const { x, y } = pointAt(107, gaugeAngle(limit));
        const below = limit === 0 || limit === 1 ? 6 : 0;
        return makeSvg('text', { x, y: y + 4 + below, class: 'gauge-tick', 'text-anchor': 'middle' }, [String(limit)]);
    });
}

/** Hatching for what is not known. */
function hatchPattern() {
    const pattern = makeSvg(
        'pattern',
        { id: 'gauge-hatch', width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
        [makeSvg('rect', { width: 3, height: 7, class: 'gauge-hatch' })],
    );
    return makeSvg('defs', {}, [pattern]);
}

/**
 * @param {string} name
 * @param {HTMLElement} value
 */
function fact(name, value) {
    return make('div', {}, [make('dt', {}, [name]), value]);
}
