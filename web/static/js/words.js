// The dashboard's and the summary's plain words for what the analysis says. Pure.

/** @typedef {import('./protocol.js').Band} Band */
/** @typedef {import('./protocol.js').Trajectory} Trajectory */
/** @typedef {import('./protocol.js').Reason} Reason */
/** @typedef {import('./protocol.js').Reading} Reading */
/** @typedef {'face' | 'voice'} Source */

/** Upper ends of the bands low and moderate; stress in [0, 1]. */
export const BAND_LIMITS = [0.3, 0.6];

/** @type {readonly Band[]} */
export const BANDS = ['low', 'moderate', 'high'];

/** @type {Record<Band, string>} */
const BAND_NAMES = { low: 'Low', moderate: 'Moderate', high: 'High' };

/** @typedef {import('./protocol.js').Level} Level */

/** The order in which the three levels are shown. @type {readonly Level[]} */
export const LEVELS = ['low', 'medium', 'high'];

/** @type {Record<Level, string>} */
const LEVEL_NAMES = { low: 'Low', medium: 'Medium', high: 'High' };

/** Shapes beside the colours, so that a band is never told by colour alone. @type {Record<Band, string>} */
const BAND_SHAPES = { low: '●', moderate: '◆', high: '▲' };

/** @type {Record<Trajectory, {arrow: string, word: string}>} */
const TRAJECTORIES = {
    ascending: { arrow: '↗', word: 'Rising' },
    stable: { arrow: '→', word: 'Steady' },
    descending: { arrow: '↘', word: 'Falling' },
};

/** The order in which the seven shares are shown. */
export const EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'];

/** The order of the six that the region of the eyes gives. */
export const EYE_EMOTIONS = EMOTIONS.filter((emotion) => emotion !== 'disgust');

/** @type {Record<string, string>} */
const EMOTION_NAMES = {
    angry: 'Anger',
    disgust: 'Disgust',
    fear: 'Fear',
    happy: 'Happiness',
    neutral: 'Neutral',
    sad: 'Sadness',
    surprise: 'Surprise',
};

/** @type {Record<string, string>} */
const VOICE_SIGNALS = {
    rms: 'loudness',
    energy: 'loudness',
    centroid: 'brightness',
    f0: 'pitch',
    pitch: 'pitch',
    rms_variability: 'changes of loudness',
    energy_variability: 'changes of loudness',
    f0_variability: 'changes of pitch',
    pitch_variability: 'changes of pitch',
};

/** @type {Record<Source, Partial<Record<Reason, string>>>} */
const REASONS = {
    face: {
        calibrating: 'learning this face',
        no_face: 'no face in view',
        dark: 'picture too dark',
        small_face: 'face too small',
        unclear: 'not clear enough',
        covered: 'lower face covered',
        no_video: 'no picture',
        gap: 'picture lost',
        too_short: 'not seen long enough yet',
        turned_away: 'face turned away',
        moving: 'moving too much',
        compressed: 'picture too compressed',
        disagree: 'methods disagree',
        weak: 'too little to go by',
        low_rate: 'too few pictures a second',
    },
    voice: {
        calibrating: 'learning this voice',
        silence: 'no speech',
        noise: 'too much noise',
        no_audio: 'no sound',
        no_other_voice: 'whether interviewers speak is not known',
        gap: 'sound lost',
        too_short: 'not enough speech yet',
        disagree: 'methods disagree',
        weak: 'too little to go by',
        not_transcribed: 'words are not written down',
        automatic_gain: 'the browser evens the loudness out',
        noise_suppression: 'the browser takes noise out',
        faint: 'far weaker than this voice usually is',
    },
};

/**
 * The band of a stress value.
 *
 * @param {number} stress in [0, 1]
 * @returns {Band}
 */
export function bandOf(stress) {
    const [low, moderate] = /** @type {[number, number]} */ (BAND_LIMITS);
    if (stress < low) return 'low';
    return stress < moderate ? 'moderate' : 'high';
}

/** @param {Band} band */
export function bandName(band) {
    return BAND_NAMES[band];
}

/** @param {Band} band */
export function bandShape(band) {
    return BAND_SHAPES[band];
}

/**
 * @param {Trajectory | null} trajectory
 * @returns {{arrow: string, word: string} | null} null while five estimates are not there yet
 */
export function trajectoryWords(trajectory) {
    return trajectory === null ? null : TRAJECTORIES[trajectory];
}

/** @param {Level} level */
export function levelName(level) {
    return LEVEL_NAMES[level];
}

/** @param {string} emotion */
export function emotionName(emotion) {
    return EMOTION_NAMES[emotion] ?? emotion;
}

/**
 * A contribution's signal in words: `face.fear` is "Face: fear".
 *
 * @param {string} signal
 * @returns {string}
 */
export function signalName(signal) {
    const [source = '', feature = ''] = signal.split('.', 2);
    if (source === 'face') return `Face: ${emotionName(feature).toLowerCase()}`;
    if (source === 'voice') return `Voice: ${VOICE_SIGNALS[feature] ?? feature.replaceAll('_', ' ')}`;
    return signal;
}

/**
 * Why a reading is weak or missing; empty when it is neither.
 *
 * @param {Source} source
 * @param {Reason} reason
 * @returns {string}
 */
export function reasonWords(source, reason) {
    if (reason === 'ok') return '';
    return REASONS[source][reason] ?? REASONS[source === 'face' ? 'voice' : 'face'][reason] ?? 'not measurable';
}

/**
 * Why stress is unknown, from both sources: "No face in view, no speech".
 *
 * @param {{face: Reading, voice: Reading}} readings
 * @returns {string}
 */
export function unknownWords({ face, voice }) {
    const parts = [reasonWords('face', face.reason), reasonWords('voice', voice.reason)].filter((part) => part !== '');
    return capitalised(parts.length === 0 ? 'neither face nor voice can be measured' : parts.join(', '));
}

/**
 * How good a reading is, in a word.
 *
 * @param {number} quality in [0, 1]
 * @returns {'none' | 'poor' | 'fair' | 'good'}
 */
export function qualityWord(quality) {
    if (quality <= 0) return 'none';
    if (quality < 0.35) return 'poor';
    return quality < 0.7 ? 'fair' : 'good';
}

/** @param {string} text */
export function capitalised(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
