// The line chart of stress over time (uPlot): bands behind, gaps hatched, peaks and markers on top.

import uPlot from '/static/vendor/uPlot.esm.js';

import { make } from './elements.js';
import { clock, share } from './format.js';
import { gapSpans } from './series.js';
import { BAND_LIMITS, bandName, bandOf, bandShape } from './words.js';

/** @typedef {import('./series.js').Columns} Columns */

/**
 * @typedef {object} ChartView
 * @property {Columns} columns
 * @property {number} from_s
 * @property {number} to_s
 * @property {{t_s: number, stress: number}[]} peaks
 * @property {{t_s: number, label: string, kind: string}[]} markers
 */

/**
 * @typedef {object} Chart
 * @property {(view: ChartView) => void} show
 */

const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const SLACK_S = 1;

/**
 * Build the chart in a container; it follows the container's width and the colour scheme.
 *
 * @param {HTMLElement} container
 * @param {{height: number}} options height in CSS pixels
 * @returns {Chart}
 */
export function createChart(container, { height }) {
    /** @type {ChartView} */
    let view = { columns: { t_s: [], stress: [], face: [], voice: [] }, from_s: 0, to_s: 60, peaks: [], markers: [] };
    const palette = () => readPalette(container);
    let colours = palette();
    const plot = make('div', { class: 'chart-plot', 'aria-hidden': 'true' });
    const readout = make('p', { class: 'chart-readout number', 'aria-hidden': 'true' });
    container.classList.add('chart');
    container.append(legend(), plot, readout);

    const chart = new uPlot(
        {
            width: Math.max(240, container.clientWidth),
            height,
            legend: { show: false },
            cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
            scales: {
                x: { time: false, range: () => [view.from_s, view.to_s] },
                y: { range: [0, 1] },
            },
            axes: [
                {
                    stroke: () => colours.inkSoft,
                    grid: { show: false },
                    ticks: { stroke: () => colours.line, width: 1, size: 5 },
                    incrs: TIME_STEPS_S,
                    space: 64,
                    size: 34,
                    font: colours.font,
                    values: (_, splits) => splits.map(clock),
                },
                {
                    stroke: () => colours.inkSoft,
                    grid: { stroke: () => colours.line, width: 1 },
                    ticks: { show: false },
                    splits: () => [0, ...BAND_LIMITS, 1],
                    values: (_, splits) => splits.map(String),
                    size: 36,
                    font: colours.font,
                },
            ],
            series: [
                {},
                { stroke: () => colours.face, width: 1.25, points: isolated(() => colours.face) },
                { stroke: () => colours.voice, width: 1.25, dash: [5, 4], points: isolated(() => colours.voice) },
                { stroke: () => colours.ink, width: 2.5, points: isolated(() => colours.ink) },
            ],
            hooks: {
                drawClear: [(u) => drawGround(u, view, colours)],
                draw: [(u) => drawMarks(u, view, colours)],
                setCursor: [(u) => readOut(u, readout)],
            },
        },
        [[], [], [], []],
        plot,
    );

    new ResizeObserver(() => {
        const width = Math.floor(plot.clientWidth);
        if (width > 0 && width !== chart.width) chart.setSize({ width, height });
    }).observe(plot);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
        colours = palette();
        chart.redraw(false, true);
    });

    return {
        show(next) {
            view = next;
            const { t_s, face, voice, stress } = next.columns;
            chart.setData([t_s, face, voice, stress]);
        },
    };
}

/**
 * Points only where a value stands alone between gaps: a line would not show it.
 *
 * @param {() => string} colour
 * @returns {uPlot.Series.Points}
 */
function isolated(colour) {
    return {
        show: true,
        size: 5,
        fill: colour,
        stroke: colour,
        filter: (u, seriesIdx) => {
            const values = u.data[seriesIdx];
            /** @type {number[]} */
            const alone = [];
            for (let i = 0; i < values.length; i += 1) {
                if (values[i] !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null)
                    alone.push(i);
            }
            return alone;
        },
    };
}

/**
 * Bands as washes and gaps hatched, under everything else.
 *
 * @param {uPlot} u
 * @param {ChartView} view
 * @param {Palette} colours
 */
function drawGround(u, view, colours) {
    const { ctx, bbox } = u;
    const limits = [0, ...BAND_LIMITS, 1];
    const washes = [colours.low, colours.moderate, colours.high];
    ctx.save();
    ctx.globalAlpha = 0.09;
    washes.forEach((wash, i) => {
        const top = u.valToPos(limits[i + 1], 'y', true);
        ctx.fillStyle = wash;
        ctx.fillRect(bbox.left, top, bbox.width, u.valToPos(limits[i], 'y', true) - top);
    });
    ctx.globalAlpha = 1;
    for (const { from_s, to_s } of gapSpans(view.columns)) {
        const left = Math.max(bbox.left, u.valToPos(from_s, 'x', true));
        const right = Math.min(bbox.left + bbox.width, u.valToPos(to_s, 'x', true));
        if (right > left) hatch(ctx, left, bbox.top, right - left, bbox.height, colours.unknown);
    }
    ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 * @param {string} colour
 */
function hatch(ctx, left, top, width, height, colour) {
    const step = 8 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    // Lines start at multiples of the step, so that the pattern stands still while the chart moves on.
    for (let x = Math.floor((left - height) / step) * step; x < left + width; x += step) {
        ctx.moveTo(x, top + height);
        ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
}

/**
 * Peaks as triangles, markers as lines with a letter.
 *
 * @param {uPlot} u
 * @param {ChartView} view
 * @param {Palette} colours
 */
function drawMarks(u, view, colours) {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
    ctx.clip();
    ctx.lineWidth = dpr;
    ctx.font = colours.markFont;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'alphabetic';
    let lettered = Number.NEGATIVE_INFINITY;
    for (const { t_s, label, kind } of view.markers) {
        if (t_s < view.from_s - SLACK_S || t_s > view.to_s + SLACK_S) continue;
        const x = Math.round(u.valToPos(t_s, 'x', true)) + 0.5;
        ctx.strokeStyle = kind === 'question' ? colours.accent : colours.inkSoft;
        ctx.fillStyle = ctx.strokeStyle;
        ctx.setLineDash([2 * dpr, 3 * dpr]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.setLineDash([]);
        // Letters that would lie on each other are left out; the lists name every marker.
        if (x < lettered) continue;
        ctx.fillText(label, x + 4 * dpr, bbox.top + 11 * dpr);
        lettered = x + 7 * dpr + ctx.measureText(label).width;
    }
    ctx.fillStyle = colours.high;
    for (const { t_s, stress } of view.peaks) {
        if (t_s < view.from_s || t_s > view.to_s) continue;
        const x = u.valToPos(t_s, 'x', true);
        const y = Math.max(bbox.top + 12 * dpr, u.valToPos(stress, 'y', true)) - 5 * dpr;
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(x - 5 * dpr, y - 8 * dpr);
        ctx.lineTo(x + 5 * dpr, y - 8 * dpr);
        ctx.closePath();
        ctx.fill();
    }
    ctx.restore();
}

/**
 * @param {uPlot} u
 * @param {HTMLElement} readout
 */
function readOut(u, readout) {
    const i = u.cursor.idx;
    if (i === null || i === undefined || (u.cursor.left ?? -1) < 0) {
        readout.textContent = '';
        return;
    }
    const [t_s, face, voice, stress] = u.data.map((column) => column[i] ?? null);
    const known =
        stress === null ? 'unknown' : `${share(stress)} ${bandShape(bandOf(stress))} ${bandName(bandOf(stress))}`;
    readout.textContent = `${clock(t_s)}   stress ${known}, face ${share(face)}, voice ${share(voice)}`;
}

function legend() {
    const entries = [
        ['stress', 'Stress'],
        ['face', 'Face'],
        ['voice', 'Voice'],
        ['gap', 'Not measurable'],
        ['peak', 'Peak'],
    ];
    return make(
        'ul',
        { class: 'plain-list chart-legend', 'aria-hidden': 'true' },
        entries.map(([key, text]) => make('li', { 'data-key': key }, [text])),
    );
}

/**
 * @typedef {Record<'ink' | 'inkSoft' | 'line' | 'accent' | 'face' | 'voice' | 'low' | 'moderate' | 'high' | 'unknown'
 *   | 'font' | 'markFont', string>} Palette
 */

/**
 * The canvas knows no custom properties: read them.
 *
 * @param {HTMLElement} element
 * @returns {Palette}
 */
function readPalette(element) {
    const style = getComputedStyle(element);
    /** @param {string} name */
    const read = (name) => style.getPropertyValue(name).trim();
    return {
        ink: read('--ink'),
        inkSoft: read('--ink-soft'),
        line: read('--line'),
        accent: read('--accent'),
        face: read('--signal-face'),
        voice: read('--signal-voice'),
        low: read('--band-low'),
        moderate: read('--band-moderate'),
        high: read('--band-high'),
        unknown: read('--band-unknown'),
        font: `12px ${style.fontFamily}`,
        markFont: `${11 * devicePixelRatio}px ${style.fontFamily}`,
    };
}
