// The summary page: the course as a chart with its table, the two pies, the evidence, and why there are peaks.

import { readCatalogue } from './catalogue.js';
import { createChart } from './chart.js';
import { byId } from './elements.js';
import { chartMarks } from './marks.js';
import { clock } from './format.js';
import { peakWhy } from './peak_why_view.js';
import { drawPie } from './pie.js';
import { followReviews } from './review_wait.js';
import { decimated, withGaps } from './series.js';
import { showSummarySignals } from './summary_signals.js';
import { createTwin } from './table_twin.js';

/** @typedef {import('./series.js').Columns} Columns */

/**
 * @typedef {object} SummaryData
 * @property {number} duration_s
 * @property {import('./protocol.js').Peak[]} peaks
 * @property {import('./protocol.js').Marker[]} markers
 * @property {import('./protocol.js').Question[]} questions
 * @property {{key: string, share: number}[]} bands
 * @property {{key: string, share: number}[]} emotions
 * @property {{questions: import('./signal_table.js').Stretch[]}} [signal_table]
 */

const HEIGHT_PX = 300;
const MAX_ROWS = 2400;

const data = /** @type {SummaryData & Columns} */ (JSON.parse(byId('summary-data').textContent ?? ''));
const columns = withGaps(data);
const from_s = data.t_s[0] ?? 0;
const to_s = Math.max(data.t_s.at(-1) ?? 0, from_s + 10);

createChart(byId('course-chart'), { height: HEIGHT_PX }).show({
    columns: decimated(columns, MAX_ROWS),
    from_s,
    to_s,
    peaks: data.peaks,
    markers: chartMarks(data.markers, data.questions),
});
createTwin(byId('course-twin', HTMLDetailsElement), () => ({ columns, from_s, to_s }));
drawPie(byId('band-pie'), data.bands);
if (data.emotions.length > 0) drawPie(byId('emotion-pie'), data.emotions);

const catalogue = readCatalogue();
data.peaks.forEach(({ t_s, why }, i) => {
    if (why) document.querySelector(`[data-peak="${i}"] > :last-child`)?.append(peakWhy(catalogue, why, clock(t_s)));
});
const places = { bars: byId('index-bars'), moved: byId('moved-lists'), tables: byId('signal-tables') };
followReviews('words-card');
showSummarySignals(places, catalogue, data.signal_table?.questions ?? [], data.questions);

const print = byId('print');
print.hidden = false;
print.addEventListener('click', () => globalThis.print());
