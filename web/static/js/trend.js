// The dashboard's trend: the last minutes or the whole session, with its table.

import { createChart } from './chart.js';
import { byId } from './elements.js';
import { chartMarks } from './marks.js';
import { between, columnsOf, decimated, emptyColumns, RECENT_S } from './series.js';
import { createTwin } from './table_twin.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */

const HEIGHT_PX = 215;

/** More rows than this are thinned out before they are drawn. */
const MAX_ROWS = 1800;

/** The shortest time that a chart shows, so that the first seconds do not fill it. */
const LEAST_S = 60;

/**
 * @returns {(room: RoomModel, session_s: number | null) => void} shows the room's estimates at a session time
 */
export function createTrend() {
    const chart = createChart(byId('trend'), { height: HEIGHT_PX });
    const [recent, whole] = [byId('trend-recent'), byId('trend-whole')];
    let isWhole = false;
    let stretch = { columns: emptyColumns(), from_s: 0, to_s: RECENT_S };
    const refreshTwin = createTwin(byId('trend-twin', HTMLDetailsElement), () => stretch);
    /** @type {[RoomModel, number | null] | null} */
    let shown = null;

    /**
     * @param {RoomModel} room
     * @param {number | null} session_s
     */
    const show = (room, session_s) => {
        shown = [room, session_s];
        const columns = columnsOf(room.estimates);
        const newest_s = columns.t_s.at(-1) ?? 0;
        const now_s = Math.max(newest_s, Math.floor(session_s ?? 0));
        // What is not there yet is a gap, not an end of the line: the chart goes on with the session's clock.
        if (columns.t_s.length > 0 && now_s - newest_s > 2) addGap(columns, newest_s + 1, now_s);
        const to_s = isWhole ? Math.max(LEAST_S, now_s) : Math.max(Math.min(RECENT_S, nextMinuteS(now_s)), now_s);
        const from_s = isWhole ? 0 : Math.max(0, to_s - RECENT_S);
        stretch = { columns: between(columns, from_s, to_s), from_s, to_s };
        chart.show({
            ...stretch,
            columns: decimated(stretch.columns, MAX_ROWS),
            peaks: room.peaks,
            markers: chartMarks(room.markers, room.questions),
        });
        refreshTwin();
    };

    /** @param {boolean} wanted */
    const choose = (wanted) => {
        isWhole = wanted;
        recent.setAttribute('aria-pressed', String(!isWhole));
        whole.setAttribute('aria-pressed', String(isWhole));
        if (shown !== null) show(...shown);
    };
    recent.addEventListener('click', () => choose(false));
    whole.addEventListener('click', () => choose(true));
    return show;
}

/**
 * A young session fills its chart: the axis grows by whole minutes.
 *
 * @param {number} now_s
 */
function nextMinuteS(now_s) {
    return Math.ceil((now_s + 1) / 60) * 60;
}

/**
 * @param {import('./series.js').Columns} columns
 * @param {number} from_s
 * @param {number} to_s
 */
function addGap(columns, from_s, to_s) {
    for (const t_s of [from_s, to_s]) {
        columns.t_s.push(t_s);
        for (const values of [columns.stress, columns.face, columns.voice]) values.push(null);
    }
}
