// Estimates for tests: a reading that is well unless said otherwise.

export const reading = (value, fields = {}) => ({
    value,
    quality: value === null ? 0 : 0.8,
    reason: 'ok',
    age_s: 0.1,
    ...fields,
});

export const estimate = (t_s, stress, fields = {}) => ({
    type: 'estimate',
    session_id: 's1',
    t_s,
    stress: reading(stress),
    stress_raw: stress,
    face: reading(stress),
    voice: reading(stress),
    emotions: null,
    eyes: { shares: null, quality: 0, reason: 'no_face', age_s: 0 },
    level: { name: null, confidence: null, shares: null, quality: 0, reason: 'no_face', age_s: 0 },
    band: stress === null ? null : stress < 0.3 ? 'low' : stress < 0.6 ? 'moderate' : 'high',
    trajectory: null,
    window_mean: null,
    window_sd: null,
    peak_t_s: null,
    contributions: [],
    ...fields,
});

export const signal = (value, fields = {}) => ({ ...reading(value), z: null, ...fields });

export const definition = (name, fields = {}) => ({
    name,
    label: name,
    unit: '',
    group: name.split('.')[0],
    what: 'What it is.',
    digits: 2,
    low: null,
    high: null,
    is_experimental: false,
    has_baseline: true,
    ...fields,
});
