// The summary's evidence: indices as bars, what moved in each question, and tables of all signals.

import { decimals } from './catalogue.js';
import { deviationBar } from './deviation.js';
import { make } from './elements.js';
import { explanations } from './evidence_panel.js';
import { movedIn, signalGroups, stretchHeads } from './signal_table.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./signal_table.js').Stretch} Stretch */
/** @typedef {import('./signal_table.js').SignalRow} SignalRow */
/** @typedef {import('./signal_table.js').Cell} Cell */

/** The group that is drawn as bars. */
const BARS = 'nonverbal';

/** The table that is open at first. */
const OPEN = 'voice';

/**
 * @param {{bars: HTMLElement, moved: HTMLElement, tables: HTMLElement}} places each inside a hidden section
 * @param {Definition[]} catalogue
 * @param {Stretch[]} stretches
 * @param {{id: string}[]} questions
 */
export function showSummarySignals({ bars, moved, tables }, catalogue, stretches, questions) {
    const heads = stretchHeads(stretches, questions);
    const groups = signalGroups(catalogue, stretches);
    if (groups.length === 0) return;
    const indices = groups.find(({ key }) => key === BARS);
    if (indices !== undefined) {
        bars.append(...indices.rows.map((row) => barChart(row, heads)));
        reveal(bars);
    }
    moved.append(...stretches.map((stretch, i) => movedList(catalogue, stretch, heads[i] ?? '')));
    reveal(moved);
    tables.append(
        ...groups.map(({ key, label, rows }) => {
            const details = make('details', { class: 'signal-table' }, [
                make('summary', {}, [label]),
                signalTable(label, rows, heads),
                explanations(rows.map(({ definition }) => definition)),
            ]);
            details.open = key === OPEN;
            return details;
        }),
    );
    reveal(tables);
}

/** @param {HTMLElement} place */
function reveal(place) {
    const section = place.closest('section');
    if (section !== null) section.hidden = false;
}

/**
 * One index: a bar for the session and for each question, with a line where the person's own beginning is.
 *
 * @param {SignalRow} row
 * @param {string[]} heads
 */
function barChart({ definition, cells }, heads) {
    const benchmark = definition.benchmark ?? null;
    const title = make('h3', {}, [definition.label]);
    if (definition.is_experimental) title.append(' ', experimental());
    const list = make(
        'ul',
        { class: 'plain-list index-bars' },
        cells.map((cell, i) => indexBar(cell, heads[i] ?? '', benchmark)),
    );
    return make('div', { class: 'index' }, [title, list, make('p', { class: 'hint' }, [definition.what])]);
}

/**
 * @param {Cell} cell
 * @param {string} head
 * @param {number | null} benchmark
 */
function indexBar(cell, head, benchmark) {
    const fill = make('span', { class: 'bar-fill' });
    fill.style.inlineSize = `${100 * Math.min(1, Math.max(0, cell.median ?? 0))}%`;
    const track = make('span', { class: 'bar-track', 'aria-hidden': 'true' }, [fill]);
    if (benchmark !== null) {
        const line = make('span', { class: 'index-benchmark' });
        line.style.insetInlineStart = `${100 * benchmark}%`;
        track.append(line);
    }
    return make('li', cell.median === null ? { class: 'is-unknown' } : {}, [
        make('span', {}, [head]),
        track,
        make('span', { class: 'number index-value' }, [cell.value]),
        make('span', { class: 'hint number' }, [indexWords(cell, benchmark)]),
    ]);
}

/**
 * @param {Cell} cell
 * @param {number | null} benchmark
 */
function indexWords({ median, coverage, deviation }, benchmark) {
    if (median === null) return 'not measured';
    const against = benchmark === null ? deviation : againstBenchmark(median - benchmark);
    return [against, `measured ${coverage}`].filter(Boolean).join(', ');
}

/** @param {number} difference */
function againstBenchmark(difference) {
    if (Math.abs(difference) < 0.05) return 'as at the beginning';
    return `${decimals(Math.abs(difference), 2)} ${difference > 0 ? 'above' : 'below'} the beginning`;
}

/**
 * @param {Definition[]} catalogue
 * @param {Stretch} stretch
 * @param {string} head
 */
function movedList(catalogue, stretch, head) {
    const found = movedIn(catalogue, stretch);
    const items = found.map(({ definition, cell }) => {
        const name = make('span', {}, [definition.label]);
        if (definition.is_experimental) name.append(' ', experimental());
        return make('li', {}, [
            name,
            make('span', { class: 'number moved-value' }, [cell.value]),
            mark(cell.z),
            make('span', { class: 'hint number' }, [`${cell.deviation}, measured ${cell.coverage}`]),
        ]);
    });
    const title = stretch.question_id === null ? head : `${head}: ${stretch.label}`;
    const list = make('ul', { class: 'plain-list moved-list' }, items);
    const none = make('p', { class: 'soft' }, ['Nothing, as far as it could be measured and compared.']);
    return make('div', { class: 'moved' }, [make('h3', {}, [title]), items.length > 0 ? list : none]);
}

/**
 * @param {string} label
 * @param {SignalRow[]} rows
 * @param {string[]} heads
 */
function signalTable(label, rows, heads) {
    const head = ['Signal', ...heads].map((text) => make('th', { scope: 'col' }, [text]));
    const body = rows.map(({ definition, cells }) => {
        const name = make('th', { scope: 'row' }, [definition.label]);
        if (definition.is_experimental) name.append(' ', experimental());
        return make('tr', {}, [name, ...cells.map(tableCell)]);
    });
    const about = `${label} by question`;
    return make('div', { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': about }, [
        make('table', { class: 'signals-table' }, [
            make('caption', { class: 'visually-hidden' }, [about]),
            make('thead', {}, [make('tr', {}, head)]),
            make('tbody', {}, body),
        ]),
    ]);
}

/** @param {Cell} cell */
function tableCell(cell) {
    if (cell.median === null) return make('td', {}, [make('span', { class: 'soft' }, ['not measured'])]);
    const parts = [make('strong', { class: 'number' }, [cell.value])];
    if (cell.z !== null) parts.push(mark(cell.z));
    const words = [cell.deviation, `measured ${cell.coverage}`].filter(Boolean).join(', ');
    parts.push(make('span', { class: 'hint number' }, [words]));
    return make('td', {}, parts);
}

/** @param {number | null} z */
function mark(z) {
    const fill = make('span', { class: 'signal-fill' });
    const { from, length } = deviationBar(z);
    fill.style.insetInlineStart = `${from}%`;
    fill.style.inlineSize = `${length}%`;
    return make('span', { class: 'signal-mark', 'aria-hidden': 'true' }, [fill]);
}

function experimental() {
    return make('span', { class: 'signal-experimental' }, ['experimental']);
}
