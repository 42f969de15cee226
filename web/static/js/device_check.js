// The step "Camera and microphone": preview, level, choice of devices, and a plain sentence for each failure.

import { announce } from './announce.js';
import { byId, make, setText } from './elements.js';
import { fitTile } from './fit.js';
import { HEARD_PERCENT, playTestSound, watchLevel } from './level_meter.js';

/** @typedef {import('./devices.js').Kind} Kind */
/** @typedef {import('./devices.js').Problem} Problem */
/** @typedef {import('./local_media.js').LocalMedia} LocalMedia */

/** @type {Kind[]} */
const KINDS = ['audio', 'video'];

/** @type {Record<Kind, string>} */
const NAMES = { audio: 'Microphone', video: 'Camera' };

/** So long must the level stay up before we say that the person is heard. */
const N_LOUD_UPDATES = 4;

/**
 * @typedef {object} DeviceCheck
 * @property {() => void} show draw the present state and listen to the microphone
 * @property {() => void} hide stop listening
 */

/**
 * @param {LocalMedia} media
 * @param {() => void} onenter the person goes on
 * @returns {DeviceCheck}
 */
export function createDeviceCheck(media, onenter) {
    const preview = byId('preview', HTMLVideoElement);
    const note = byId('preview-note');
    const ask = byId('ask-devices', HTMLButtonElement);
    const enter = byId('enter', HTMLButtonElement);
    const meter = byId('meter');
    const bar = byId('meter-bar', SVGRectElement);
    const words = byId('meter-words');
    let isShown = false;
    let wasAsked = false;
    let nLoud = 0;
    /** @type {MediaStreamTrack | null} */
    let metered = null;
    let stopMeter = () => {};

    fitTile(preview, byId('preview-tile'));
    ask.addEventListener('click', () => {
        wasAsked = true;
        void media.start();
    });
    enter.addEventListener('click', onenter);
    byId('test-sound').addEventListener('click', () => void playTestSound());
    for (const kind of KINDS) {
        toggle(kind).addEventListener('click', () => void media.setWanted(kind, toggle(kind).getAttribute('aria-pressed') !== 'true'));
        select(kind).addEventListener('change', () => void media.choose(kind, select(kind).value));
    }

    /** @param {Kind} kind */
    function toggle(kind) {
        return /** @type {HTMLButtonElement} */ (document.querySelector(`[data-toggle="${kind}"]`));
    }

    /** @param {Kind} kind */
    function select(kind) {
        return byId(`${kind}-select`, HTMLSelectElement);
    }

    function draw() {
        if (!isShown) return;
        const { audio, video } = media.devices;
        const isOpening = audio.isOpening || video.isOpening;
        wasAsked ||= isOpening || audio.track !== null || video.track !== null;
        ask.hidden = wasAsked;
        byId('device-controls').hidden = !wasAsked;
        for (const kind of KINDS) drawDevice(kind);
        drawPreview();
        drawMeter();
        enter.disabled = isOpening || (audio.track === null && video.track === null);
        setText(byId('enter-hint'), hint());
    }

    function hint() {
        const { audio, video } = media.devices;
        if (!wasAsked) return 'You can take part without a camera. A microphone is needed to be heard.';
        if (audio.isOpening || video.isOpening) return 'Your browser may ask for permission now. Please allow it.';
        if (audio.track === null && video.track === null) return 'To go on, turn on at least the microphone or the camera.';
        if (audio.track === null) return 'You can go on, but nobody will hear you.';
        if (video.track === null) return 'You can go on without a camera.';
        return 'All set.';
    }

    /** @param {Kind} kind */
    function drawDevice(kind) {
        const device = media.devices[kind];
        const isOn = device.isWanted && device.problem === null;
        toggle(kind).setAttribute('aria-pressed', String(isOn));
        toggle(kind).setAttribute('aria-label', `${NAMES[kind]} ${isOn ? 'on' : 'off'}`);
        setText(toggle(kind), isOn ? 'On' : 'Off');
        select(kind).disabled = !device.isWanted || device.isOpening;
        const place = /** @type {HTMLElement} */ (document.querySelector(`[data-problem="${kind}"]`));
        showProblem(place, device.problem, () => void media.retry(kind));
    }

    function drawPreview() {
        const { video } = media.devices;
        const present = preview.srcObject instanceof MediaStream ? preview.srcObject.getVideoTracks()[0] : null;
        if (present !== (video.track ?? null)) preview.srcObject = video.track ? new MediaStream([video.track]) : null;
        note.hidden = video.track !== null;
        setText(note, video.isOpening ? 'The camera is starting …' : 'The camera is off');
    }

    function drawMeter() {
        const { audio } = media.devices;
        const isOn = audio.track !== null;
        meter.hidden = !isOn;
        words.hidden = !isOn;
        if (audio.track === metered) return;
        stopMeter();
        stopMeter = () => {};
        metered = audio.track;
        nLoud = 0;
        meter.classList.remove('heard');
        words.classList.remove('heard');
        setText(words, 'Say something …');
        if (metered !== null) stopMeter = watchLevel(metered, level);
    }

    /** @param {number} percent */
    function level(percent) {
        bar.setAttribute('width', String(percent));
        meter.setAttribute('aria-valuenow', String(Math.round(percent)));
        nLoud = percent >= HEARD_PERCENT ? nLoud + 1 : Math.max(nLoud - 0.2, 0);
        if (nLoud < N_LOUD_UPDATES || words.classList.contains('heard')) return;
        meter.classList.add('heard');
        words.classList.add('heard');
        setText(words, 'We can hear you');
        announce('We can hear you');
    }

    async function fillSelects() {
        for (const kind of KINDS) {
            const known = await media.list(kind);
            const inUse = media.devices[kind].track?.getSettings().deviceId ?? media.devices[kind].deviceId;
            select(kind).replaceChildren(
                ...known.map((device, index) => {
                    const option = make('option', { value: device.deviceId }, [device.label || `${NAMES[kind]} ${index + 1}`]);
                    option.selected = device.deviceId === inUse;
                    return option;
                }),
            );
            select(kind).hidden = known.length === 0;
        }
    }

    return {
        show() {
            isShown = true;
            media.onchange = () => {
                draw();
                void fillSelects();
            };
            draw();
            void fillSelects();
        },
        hide() {
            isShown = false;
            stopMeter();
            stopMeter = () => {};
            metered = null;
            preview.srcObject = null;
        },
    };
}

/**
 * Show what is the matter, what to do, and a button to try again; or nothing.
 *
 * @param {HTMLElement} place
 * @param {Problem | null} problem
 * @param {() => void} retry
 */
export function showProblem(place, problem, retry) {
    const isNew = problem !== null && place.dataset.code !== problem.code;
    place.hidden = problem === null;
    if (problem === null) {
        delete place.dataset.code;
        place.replaceChildren();
        return;
    }
    if (!isNew) return;
    place.dataset.code = problem.code;
    const button = make('button', { type: 'button', class: 'secondary small' }, ['Try again']);
    button.addEventListener('click', retry);
    place.replaceChildren(
        make('p', {}, [make('strong', {}, [problem.sentence])]),
        make('p', {}, [problem.help]),
        make('p', {}, [button]),
    );
    announce(`${problem.sentence} ${problem.help}`);
}
