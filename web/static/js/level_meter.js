// How loud one's own microphone is, for the bar of the device check. Nothing is kept or sent.

/** Below this the bar is empty, dB relative to full scale. */
const FLOOR_DBFS = -60;

/** At and above this the bar is full. */
const TOP_DBFS = -12;

/** From here on somebody speaks into the microphone. */
export const HEARD_PERCENT = 30;

const UPDATE_MS = 60;

/**
 * Return the length of the bar for one stretch of samples.
 *
 * @param {Float32Array} samples in [-1, 1]
 * @returns {number} 0 to 100; 0 for no samples
 */
export function levelPercent(samples) {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    if (samples.length === 0 || sum === 0) return 0;
    const dbfs = 10 * Math.log10(sum / samples.length);
    return Math.min(Math.max((100 * (dbfs - FLOOR_DBFS)) / (TOP_DBFS - FLOOR_DBFS), 0), 100);
}

/**
 * Watch a microphone's level.
 *
 * @param {MediaStreamTrack} track
 * @param {(percent: number) => void} onLevel called about 16 times a second
 * @returns {() => void} stops watching
 */
export function watchLevel(track, onLevel) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
        // Browsers start a context suspended until the person has clicked somewhere.
        if (context.state === 'suspended') void context.resume();
        analyser.getFloatTimeDomainData(samples);
        onLevel(levelPercent(samples));
    }, UPDATE_MS);
    return () => {
        clearInterval(timer);
        void context.close();
    };
}

/** Play two short soft notes, so that the person knows that they will hear the others. */
export async function playTestSound() {
    const context = new AudioContext();
    const NOTE_S = 0.35;
    for (const [index, hz] of [440, 587].entries()) {
        const tone = context.createOscillator();
        const volume = context.createGain();
        const start = context.currentTime + index * NOTE_S;
        tone.frequency.value = hz;
        volume.gain.setValueAtTime(0, start);
        volume.gain.linearRampToValueAtTime(0.2, start + 0.03);
        volume.gain.linearRampToValueAtTime(0, start + NOTE_S);
        tone.connect(volume).connect(context.destination);
        tone.start(start);
        tone.stop(start + NOTE_S);
    }
    await context.resume();
    setTimeout(() => void context.close(), 2000 * NOTE_S + 300);
}
