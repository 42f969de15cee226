// Cameras and microphones: asking for them, and saying in plain words why one cannot be had. No DOM.

/** @typedef {'audio'|'video'} Kind */

/**
 * Why a device cannot be used, for the person in front of it.
 *
 * @typedef {object} Problem
 * @property {string} code stable name, for tests
 * @property {string} sentence what is the matter
 * @property {string} help what to do about it
 */

/** @type {Record<Kind, string>} */
const NAMES = { audio: 'microphone', video: 'camera' };

/** Parts of the name by which browsers inside other apps call themselves. */
const IN_APP = /FBAN|FBAV|FB_IAB|Instagram|Line\/|MicroMessenger|GSA\/|LinkedInApp|; wv\)/;

/**
 * Return why this page can use no device at all, or null when it can.
 *
 * @param {{isSecureContext: boolean, navigator: {mediaDevices?: object, userAgent: string}}} [scope]
 * @returns {Problem | null}
 */
export function environmentProblem(scope = globalThis) {
    if (!scope.isSecureContext) {
        return {
            code: 'insecure',
            sentence: 'This page was opened without encryption, so the browser gives it neither camera nor microphone.',
            help: 'Open the link with https:// at its beginning. If it has none, ask the person who invited you.',
        };
    }
    if (typeof (/** @type {any} */ (scope.navigator.mediaDevices)?.getUserMedia) === 'function') return null;
    const isInApp = IN_APP.test(scope.navigator.userAgent);
    return {
        code: isInApp ? 'in-app' : 'unsupported',
        sentence: isInApp
            ? 'This page was opened inside another app, which does not let it use the camera or the microphone.'
            : 'This browser cannot use a camera or a microphone.',
        help: 'Copy the address of this page and open it in Safari, Chrome, Edge or Firefox.',
    };
}

/**
 * Return what an error of getUserMedia means.
 *
 * @param {unknown} error
 * @param {Kind} kind
 * @returns {Problem}
 */
export function explain(error, kind) {
    const device = NAMES[kind];
    const name = error instanceof Error ? error.name : '';
    switch (name) {
        case 'NotAllowedError':
            return {
                code: 'denied',
                sentence: `The browser was not allowed to use the ${device}.`,
                help: `Click the sign at the left of the address, allow the ${device}, then try again. If it is allowed there, allow it for this browser in the settings of your computer or phone.`,
            };
        case 'NotFoundError':
            return {
                code: 'missing',
                sentence: `No ${device} was found.`,
                help: `Plug one in or switch it on, then try again.`,
            };
        case 'NotReadableError':
            return {
                code: 'in-use',
                sentence: `The ${device} is there, but it cannot be opened. Most often another program is using it.`,
                help: `Close other programs and tabs that use the ${device}, then try again.`,
            };
        case 'OverconstrainedError':
            return {
                code: 'gone',
                sentence: `The ${device} you chose is not there any more.`,
                help: 'Choose another one from the list, or try again.',
            };
        case 'SecurityError':
            return {
                code: 'blocked',
                sentence: `The settings of this browser or of your organisation forbid the use of the ${device}.`,
                help: 'Try another browser or another device, or ask the person who looks after this one.',
            };
        case 'AbortError':
            return {
                code: 'aborted',
                sentence: `The ${device} could not be started.`,
                help: 'Unplug it and plug it in again, or restart the browser, then try again.',
            };
        default:
            return {
                code: 'unknown',
                sentence: `The ${device} could not be started, and the browser does not say why.`,
                help: 'Try again, or use another browser.',
            };
    }
}

/**
 * Return why a device that worked has stopped working.
 *
 * @param {Kind} kind
 * @returns {Problem}
 */
export function stopped(kind) {
    return {
        code: 'stopped',
        sentence: `The ${NAMES[kind]} has stopped.`,
        help: 'It may have been unplugged or taken by another program or a phone call. Try again, or choose another one.',
    };
}

/**
 * Return what to ask of a device.
 *
 * Echo cancellation stays on: without it the others hear themselves. Automatic gain and noise suppression change what
 * the voice measures are made of, so they are off when the person agreed to analysis.
 *
 * @param {Kind} kind
 * @param {{deviceId: string, isAnalysed: boolean}} choice deviceId '' for any
 * @returns {MediaTrackConstraints}
 */
export function constraintsFor(kind, { deviceId, isAnalysed }) {
    const device = deviceId === '' ? {} : { deviceId: { exact: deviceId } };
    if (kind === 'video') {
        return { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
    }
    return { ...device, echoCancellation: true, autoGainControl: !isAnalysed, noiseSuppression: !isAnalysed };
}

/**
 * Return the audio processing that the browser says it applies; what it does not say is left out.
 *
 * @param {MediaStreamTrack | null} track
 * @returns {Record<string, boolean | number>}
 */
export function appliedAudio(track) {
    /** @type {Record<string, boolean | number>} */
    const applied = {};
    const settings = /** @type {Record<string, unknown>} */ (track?.getSettings() ?? {});
    for (const name of ['echoCancellation', 'autoGainControl', 'noiseSuppression', 'sampleRate', 'channelCount']) {
        const value = settings[name];
        if (typeof value === 'boolean' || typeof value === 'number') applied[name] = value;
    }
    return applied;
}
