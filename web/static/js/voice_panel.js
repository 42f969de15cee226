// The dashboard's voice panel: pitch and level over the last two minutes, pauses, who talks how much.

import { readCatalogue, shownValue } from './catalogue.js';
import { CONTOUR_S, contourOf, contourPath, contourRows, contourScale } from './contours.js';
import { make, makeSvg, setText } from './elements.js';
import { evidenceRow } from './evidence_model.js';
import { showRows } from './evidence_panel.js';
import { clock, percent } from './format.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./protocol.js').Estimate} Estimate */

/** What is drawn as a line, and how far apart the ends of its scale are at least, in its unit. */
const CONTOURS = [
    { name: 'voice.f0_mean', key: 'pitch', least: 6 },
    { name: 'voice.loudness', key: 'level', least: 12 },
];

/** What stands below the lines. */
const FIGURES = ['turns.pause_rate', 'turns.pause_mean', 'turns.speech_rate', 'turns.response_latency'];
const BALANCE = 'turns.balance';
const WIDTH = 600;
const HEIGHT = 64;

/**
 * @param {HTMLElement} container
 * @returns {(estimates: Estimate[], now_s: number | null, isLive: boolean) => void} now_s: session time
 */
export function createVoicePanel(container) {
    const definitions = new Map(readCatalogue().map((definition) => [definition.name, definition]));
    const lines = CONTOURS.flatMap((contour) => {
        const definition = definitions.get(contour.name);
        return definition === undefined ? [] : [createLine(definition, contour)];
    });
    const balance = createBalance();
    const figures = make('ul', { class: 'plain-list signal-list' });
    const place = make('div', { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': 'Pitch and level' });
    const twin = make('details', { class: 'twin' }, [make('summary', {}, ['Pitch and level as a table']), place]);
    const none = make('p', { class: 'soft' }, ['Nothing of the voice has been measured yet.']);
    const body = make('div', { class: 'voice-body' }, [...lines.map(({ element }) => element)]);
    if (lines.length > 0) body.append(make('p', { class: 'hint contour-key' }, ['A gap is a pause, or not measurable.']), twin);
    body.append(balance.element, figures);
    container.append(none, body);
    body.hidden = true;

    return (estimates, now_s, isLive) => {
        const newest = estimates.at(-1);
        const signals = newest?.signals;
        body.hidden = signals === undefined;
        none.hidden = signals !== undefined;
        if (newest === undefined || signals === undefined) return;
        // After the end the lines stand where they ended; while it runs they go on with the session's clock.
        const to_s = Math.max(newest.t_s, Math.floor(now_s ?? 0));
        const contours = lines.map((line) => line.show(estimates, to_s, isLive));
        if (twin.open) place.replaceChildren(contourTable(lines, contours));
        balance.show(isLive ? signals[BALANCE] : undefined);
        showRows(
            figures,
            FIGURES.flatMap((name) => {
                const [definition, signal] = [definitions.get(name), signals[name]];
                return isLive && definition !== undefined && signal !== undefined ? [evidenceRow(definition, signal)] : [];
            }),
        );
    };
}

/**
 * @param {Definition} definition
 * @param {{name: string, key: string, least: number}} contour
 */
function createLine(definition, { name, key, least }) {
    const path = makeSvg('path', { class: 'contour-line' });
    const picture = makeSvg(
        'svg',
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'contour-picture', role: 'img' },
        [path],
    );
    const value = make('span', { class: 'number contour-value' });
    const worth = make('span', { class: 'hint number' });
    const [high, low] = [make('span', { class: 'hint number' }), make('span', { class: 'hint number' })];
    const element = make('div', { class: 'contour', 'data-key': key }, [
        make('p', { class: 'contour-head' }, [make('span', {}, [definition.label]), value, worth]),
        make('div', { class: 'contour-box' }, [
            make('div', { class: 'contour-scale', 'aria-hidden': 'true' }, [high, low]),
            picture,
        ]),
    ]);
    return {
        definition,
        element,
        /**
         * @param {Estimate[]} estimates
         * @param {number} to_s
         * @param {boolean} isLive
         */
        show(estimates, to_s, isLive) {
            const points = contourOf(estimates, name, to_s);
            const scale = contourScale(points, least);
            const signal = estimates.at(-1)?.signals?.[name];
            const row = signal === undefined ? null : evidenceRow(definition, signal);
            setText(value, isLive && row !== null ? row.value : '—');
            setText(worth, isLive && row !== null ? [row.worth, row.deviation].filter(Boolean).join(', ') : 'Not live');
            setText(high, scale === null ? '' : shownValue(definition, scale.high));
            setText(low, scale === null ? '' : shownValue(definition, scale.low));
            const box = { now_s: to_s, width: WIDTH, height: HEIGHT };
            path.setAttribute('d', scale === null ? '' : contourPath(points, scale, box));
            const range = scale === null ? 'not measured' : `${low.textContent} to ${high.textContent}`;
            picture.setAttribute('aria-label', `${definition.label} over the last ${CONTOUR_S / 60} minutes: ${range}`);
            return points;
        },
    };
}

/** Who talks how much, as one bar with two ends. */
function createBalance() {
    const fill = make('span', { class: 'balance-fill' });
    const text = make('span', { class: 'number' });
    const worth = make('span', { class: 'hint number' });
    const element = make('div', { class: 'balance' }, [
        make('p', { class: 'contour-head' }, [make('span', {}, ['Who talks']), text, worth]),
        make('div', { class: 'balance-track', 'aria-hidden': 'true' }, [fill]),
    ]);
    return {
        element,
        /** @param {import('./protocol.js').Signal | undefined} signal */
        show(signal) {
            const value = signal?.value ?? null;
            element.classList.toggle('is-unknown', value === null);
            fill.style.inlineSize = `${100 * (value ?? 0)}%`;
            setText(text, value === null ? '—' : `candidate ${percent(value)}, others ${percent(1 - value)}`);
            setText(worth, signal === undefined ? 'Not live' : worthOf(signal));
        },
    };
}

/** @param {import('./protocol.js').Signal} signal */
function worthOf(signal) {
    const definition = { name: BALANCE, group: 'turns', label: '', unit: '', what: '', digits: 2, low: 0, high: 1 };
    return evidenceRow({ ...definition, is_experimental: false }, signal).worth;
}

/**
 * @param {{definition: Definition}[]} lines
 * @param {import('./contours.js').Point[][]} contours
 */
function contourTable(lines, contours) {
    const head = ['From', ...lines.map(({ definition }) => definition.label)];
    return make('table', { class: 'twin-table' }, [
        make('caption', { class: 'visually-hidden' }, ['Pitch and level']),
        make('thead', {}, [make('tr', {}, head.map((text) => make('th', { scope: 'col' }, [text])))]),
        make(
            'tbody',
            {},
            contourRows(contours).map(({ from_s, means }) =>
                make('tr', { class: 'number' }, [
                    make('th', { scope: 'row' }, [clock(from_s)]),
                    ...lines.map(({ definition }, i) => make('td', {}, [shownValue(definition, means[i] ?? null)])),
                ]),
            ),
        ),
    ]);
}
