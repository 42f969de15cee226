// The analysis on the dashboard: gauge, sources, expressions, parts, trend; starting, stopping, quiet mode.

import { createAdvice } from './advice_panel.js';
import { announce } from './announce.js';
import { showContributions, showEmotions, showEyes, showLevel, showSources } from './bars.js';
import { readCatalogue } from './catalogue.js';
import { byId, setText } from './elements.js';
import { otherFaces } from './evidence_model.js';
import { createEvidence } from './evidence_panel.js';
import { createGauge } from './gauge.js';
import { liveView, startObstacle } from './live_view.js';
import { sessionTimeS } from './room_model.js';
import { createTrend } from './trend.js';
import { createVoicePanel } from './voice_panel.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */
/** @typedef {import('./live_view.js').LiveView} LiveView */

/** Quiet mode is a choice of this browser. */
const QUIET_KEY = 'composure-quiet';

/**
 * @param {object} options
 * @param {import('./dashboard.js').PageData} options.page
 * @param {(event: import('./protocol.js').ClientEvent) => boolean} options.send
 */
export function createLivePanel({ page, send }) {
    const showGauge = createGauge(byId('gauge'));
    const showTrend = createTrend();
    const catalogue = readCatalogue();
    const showEvidence = createEvidence(byId('signals-body'), catalogue);
    const showVoice = createVoicePanel(byId('voice-body'));
    const showAdvice = createAdvice(byId('advice-list'), byId('no-advice'), catalogue);
    const faces = byId('other-faces');
    const toggle = byId('analysis-toggle', HTMLButtonElement);
    const hint = byId('analysis-hint');
    const quiet = byId('quiet');
    let isQuiet = localStorage.getItem(QUIET_KEY) === 'on';
    let isOn = false;
    let trendAt_s = Number.NaN;
    let voiceAt_s = Number.NaN;
    /** @type {import('./protocol.js').Estimate | null | undefined} */
    let evidenceOf;

    const showQuiet = () => {
        quiet.setAttribute('aria-pressed', String(isQuiet));
        for (const element of document.querySelectorAll('[data-loud-only]')) {
            /** @type {HTMLElement} */ (element).hidden = isQuiet;
        }
        for (const element of document.querySelectorAll('[data-quiet-only]')) {
            /** @type {HTMLElement} */ (element).hidden = !isQuiet;
        }
        byId('stage').classList.toggle('is-quiet', isQuiet);
    };
    quiet.addEventListener('click', () => {
        isQuiet = !isQuiet;
        localStorage.setItem(QUIET_KEY, isQuiet ? 'on' : 'off');
        showQuiet();
    });
    toggle.addEventListener('click', () => {
        if (toggle.getAttribute('aria-disabled') !== 'true') send({ type: isOn ? 'stop_analysis' : 'start_analysis' });
    });
    byId('recalibrate').addEventListener('click', () => {
        if (send({ type: 'recalibrate' })) announce('Calibrating again.');
    });
    showQuiet();

    /** @param {RoomModel} room */
    const showToggle = (room) => {
        isOn = room.analysis.on;
        const obstacle = isOn ? null : startObstacle(room, page.is_purpose_analysed);
        setText(toggle, isOn ? 'Stop analysis' : 'Start analysis');
        toggle.classList.toggle('secondary', isOn);
        // Not `disabled`: the button stays reachable, so that the reason can be read.
        toggle.setAttribute('aria-disabled', String(obstacle !== null));
        hint.hidden = obstacle === null;
        setText(hint, obstacle ?? '');
        byId('recalibrate').hidden = !isOn;
        byId('last-session').hidden = isOn || room.session_id === null;
        if (room.session_id !== null) {
            byId('last-session-link', HTMLAnchorElement).href = `/sessions/${encodeURIComponent(room.session_id)}`;
        }
    };

    /** @param {import('./protocol.js').Estimate | null} estimate null when nothing is live */
    const showFaces = (estimate) => {
        const n = otherFaces(estimate?.signals ?? {});
        if (n > 0 && faces.hidden) announce('More than one face is in the picture.');
        faces.hidden = n === 0;
        setText(byId('other-faces-count'), `${n} faces are in the picture.`);
    };

    return {
        isQuiet: () => isQuiet,
        /**
         * @param {RoomModel} room
         * @param {number} now_s page time
         * @param {{hasNewData: boolean}} what
         * @returns {LiveView}
         */
        show(room, now_s, { hasNewData }) {
            const view = liveView(room, now_s);
            showGauge(view);
            showToggle(room);
            const isLive = view.kind !== 'stale' && view.kind !== 'off';
            const estimate = isLive ? view.estimate : null;
            showSources(byId('sources'), estimate);
            showLevel(byId('level'), estimate);
            showEmotions(byId('emotions'), byId('emotions-worth'), estimate);
            showEyes(byId('eyes'), byId('eyes-worth'), estimate);
            showContributions(byId('contributions'), byId('why-note'), estimate);
            for (const id of ['sources', 'level', 'evidence', 'voice-body', 'signals-body']) byId(id).classList.toggle('is-dim', !isLive);
            const session_s = sessionTimeS(room, now_s);
            const at_s = Math.floor(session_s ?? -1);
            if (hasNewData || at_s !== trendAt_s) {
                trendAt_s = at_s;
                showTrend(room, session_s);
            }
            if (hasNewData || at_s !== voiceAt_s || estimate !== evidenceOf) {
                voiceAt_s = at_s;
                showVoice(room.estimates, session_s, isLive);
            }
            if (estimate !== evidenceOf) {
                evidenceOf = estimate;
                showFaces(estimate);
                showEvidence(estimate?.signals ?? null);
                showAdvice(estimate?.advice ?? [], isQuiet);
            }
            return view;
        },
    };
}
