// One's own microphone and camera: wanted or not, open or why not. No DOM; both the device check and the call use it.

import { constraintsFor, environmentProblem, explain, stopped } from './devices.js';

/** @typedef {import('./devices.js').Kind} Kind */
/** @typedef {import('./devices.js').Problem} Problem */

/**
 * @typedef {object} Device
 * @property {boolean} isWanted the person wants it on
 * @property {boolean} isOpening
 * @property {string} deviceId chosen one, '' for any
 * @property {MediaStreamTrack | null} track
 * @property {Problem | null} problem why it is wanted and not there
 */

/**
 * @typedef {object} LocalMedia
 * @property {Readonly<Record<Kind, Device>>} devices
 * @property {(kind: Kind | null) => void} onchange set by the caller; null when the list of devices changed
 * @property {() => Promise<void>} start ask for what is wanted: both in one question, then one by one
 * @property {(kind: Kind, isWanted: boolean) => Promise<void>} setWanted off releases the device: its light goes out
 * @property {(kind: Kind, deviceId: string) => Promise<void>} choose
 * @property {(kind: Kind) => Promise<void>} retry
 * @property {() => MediaStream} stream the open tracks
 * @property {(kind: Kind) => Promise<MediaDeviceInfo[]>} list
 * @property {() => void} stop release everything; nothing is opened again unless it is asked for
 */

/** @type {Kind[]} */
const KINDS = ['audio', 'video'];

/** Problems that plugging something in may solve. */
const LOST = ['stopped', 'gone', 'missing'];

/**
 * @param {object} options
 * @param {() => boolean} options.isAnalysed the person agreed to analysis
 * @param {Storage} [options.memory] keeps the choices over a reload
 * @returns {LocalMedia}
 */
export function createLocalMedia({ isAnalysed, memory = sessionStorage }) {
    /** @type {Record<Kind, Device>} */
    const devices = { audio: remembered('audio', memory), video: remembered('video', memory) };
    let generation = 0;

    /** @type {LocalMedia} */
    const media = {
        devices,
        onchange: () => {},
        start,
        setWanted,
        choose,
        retry: (kind) => open([kind]),
        stream: () => new MediaStream(KINDS.flatMap((kind) => devices[kind].track ?? [])),
        list,
        stop,
    };

    async function start() {
        await open(KINDS.filter((kind) => devices[kind].isWanted));
    }

    /** @param {Kind[]} kinds */
    async function open(kinds) {
        if (kinds.length === 0) return;
        const mine = generation;
        navigator.mediaDevices?.addEventListener?.('devicechange', devicesChanged);
        for (const kind of kinds) {
            close(kind);
            devices[kind].isOpening = true;
            devices[kind].problem = environmentProblem();
            media.onchange(kind);
        }
        if (environmentProblem() === null) {
            try {
                await ask(kinds, mine);
            } catch (error) {
                if (kinds.length > 1) for (const kind of kinds) await askOne(kind, mine);
                else note(kinds, error, mine);
            }
        }
        for (const kind of kinds) {
            devices[kind].isOpening = false;
            media.onchange(kind);
        }
    }

    /**
     * @param {Kind} kind
     * @param {number} mine
     */
    async function askOne(kind, mine) {
        if (mine !== generation) return;
        try {
            await ask([kind], mine);
        } catch (error) {
            note([kind], error, mine);
        }
    }

    /**
     * @param {Kind[]} kinds
     * @param {unknown} error
     * @param {number} mine
     */
    function note(kinds, error, mine) {
        if (mine !== generation) return;
        for (const kind of kinds) devices[kind].problem = explain(error, kind);
    }

    /**
     * @param {Kind[]} kinds
     * @param {number} mine
     */
    async function ask(kinds, mine) {
        /** @type {MediaStreamConstraints} */
        const constraints = {};
        for (const kind of kinds) {
            constraints[kind] = constraintsFor(kind, { deviceId: devices[kind].deviceId, isAnalysed: isAnalysed() });
        }
        const stream = await navigator.mediaDevices.getUserMedia(constraints);
        for (const track of stream.getTracks()) {
            const kind = /** @type {Kind} */ (track.kind);
            if (mine !== generation || !devices[kind].isWanted) track.stop();
            else adopt(kind, track);
        }
    }

    /**
     * @param {Kind} kind
     * @param {MediaStreamTrack} track
     */
    function adopt(kind, track) {
        const device = devices[kind];
        device.track?.stop();
        device.track = track;
        device.problem = null;
        // Only an end that we did not cause fires: an unplugged device, a phone call, another program.
        track.addEventListener('ended', () => {
            if (device.track !== track) return;
            device.track = null;
            device.problem = stopped(kind);
            media.onchange(kind);
        });
    }

    /** @param {Kind} kind */
    function close(kind) {
        devices[kind].track?.stop();
        devices[kind].track = null;
    }

    /**
     * @param {Kind} kind
     * @param {boolean} isWanted
     */
    async function setWanted(kind, isWanted) {
        devices[kind].isWanted = isWanted;
        remember(kind, devices[kind], memory);
        if (isWanted) return open([kind]);
        close(kind);
        devices[kind].problem = null;
        media.onchange(kind);
        return undefined;
    }

    /**
     * @param {Kind} kind
     * @param {string} deviceId
     */
    async function choose(kind, deviceId) {
        devices[kind].deviceId = deviceId;
        devices[kind].isWanted = true;
        remember(kind, devices[kind], memory);
        await open([kind]);
    }

    /** @param {Kind} kind */
    async function list(kind) {
        if (environmentProblem() !== null) return [];
        const all = await navigator.mediaDevices.enumerateDevices();
        return all.filter((device) => device.kind === `${kind}input` && device.deviceId !== '');
    }

    function stop() {
        generation += 1;
        // Nothing that is plugged in from now on may turn the camera on.
        navigator.mediaDevices?.removeEventListener?.('devicechange', devicesChanged);
        for (const kind of KINDS) {
            close(kind);
            devices[kind].problem = null;
        }
    }

    /** A device that was unplugged in the middle of the call is taken again when it is there again. */
    function devicesChanged() {
        media.onchange(null);
        const lost = KINDS.filter((kind) => {
            const { isWanted, isOpening, track, problem } = devices[kind];
            return isWanted && !isOpening && track === null && LOST.includes(problem?.code ?? '');
        });
        for (const kind of lost) void open([kind]);
    }

    navigator.mediaDevices?.addEventListener?.('devicechange', devicesChanged);
    return media;
}

/**
 * @param {Kind} kind
 * @param {Storage} memory
 * @returns {Device}
 */
function remembered(kind, memory) {
    const [wanted = 'on', deviceId = ''] = (memory.getItem(`composure-${kind}`) ?? '').split(' ');
    return { isWanted: wanted !== 'off', isOpening: false, deviceId, track: null, problem: null };
}

/**
 * @param {Kind} kind
 * @param {Device} device
 * @param {Storage} memory
 */
function remember(kind, device, memory) {
    memory.setItem(`composure-${kind}`, `${device.isWanted ? 'on' : 'off'} ${device.deviceId}`);
}
