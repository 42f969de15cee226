/**
 * The websocket's messages as types, and its few constants. server/protocol.py is the table these mirror.
 *
 * @typedef {"interviewer" | "candidate"} Role
 * @typedef {"low" | "moderate" | "high"} Band
 * @typedef {"low" | "medium" | "high"} Level
 * @typedef {"ascending" | "stable" | "descending"} Trajectory
 * @typedef {"ok" | "calibrating" | "no_face" | "dark" | "small_face" | "unclear" | "covered" | "no_video" | "silence" | "noise" | "no_audio"
 *   | "gap" | "too_short" | "turned_away" | "moving" | "compressed" | "disagree" | "weak" | "low_rate" | "no_other_voice"
 *   | "not_transcribed" | "automatic_gain" | "noise_suppression" | "faint"} Reason
 *
 * @typedef {object} Reading One measured value with its worth.
 * @property {number | null} value in [0, 1], null when it cannot be said
 * @property {number} quality in [0, 1]
 * @property {Reason} reason
 * @property {number} age_s seconds between the newest sample behind the value and the estimate
 *
 * @typedef {object} Shares Shares that add up to 1, with their worth.
 * @property {Record<string, number> | null} shares
 * @property {number} quality in [0, 1]
 * @property {Reason} reason
 * @property {number} age_s seconds between the newest sample behind them and the estimate
 *
 * @typedef {object} Signal One measured quantity of the catalogue: evidence beside the score.
 * @property {number | null} value in the unit of its definition, null when it cannot be said
 * @property {number} quality in [0, 1]
 * @property {Reason} reason
 * @property {number} age_s seconds between the newest sample behind the value and the estimate
 * @property {number | null} z robust distance from the person's own baseline, null before there is one
 *
 * @typedef {object} Advice A recommendation and the measurements on which it rests.
 * @property {string} id stays the same while it stands
 * @property {string} text
 * @property {{name: string, value: number, z: number | null}[]} evidence
 *
 * @typedef {object} Estimate
 * @property {"estimate"} [type]
 * @property {string} [session_id]
 * @property {number} t_s
 * @property {Reading} stress
 * @property {number | null} stress_raw
 * @property {Reading} face
 * @property {Reading} voice
 * @property {Record<string, number> | null} emotions shares that add up to 1
 * @property {{name: Level | null, confidence: number | null} & Shares} level of the face alone, over the last five answers
 * @property {Shares} eyes of the region of the eyes alone; six, without disgust
 * @property {Band | null} band
 * @property {Trajectory | null} trajectory
 * @property {number | null} window_mean
 * @property {number | null} window_sd
 * @property {number | null} peak_t_s
 * @property {{signal: string, amount: number}[]} contributions
 * @property {number | null} [newest_arrival_s]
 * @property {Record<string, Signal>} [signals] those of the session's media; the page keeps them for the last two minutes
 * @property {Advice[]} [advice] what stands recommended now, oldest first
 * @property {import('./peak_why.js').Why | null} [peak_why] of the peak that this tick confirms
 *
 * @typedef {object} ParticipantState
 * @property {string} id
 * @property {Role} role
 * @property {string} name
 * @property {"absent" | "waiting" | "present" | "interrupted"} presence
 * @property {boolean} publishing
 * @property {boolean} microphone
 * @property {boolean} camera
 *
 * @typedef {"starting" | "ready" | "restarting" | "failed"} WorkerState
 *
 * @typedef {object} AnalysisState Beyond `on`, only interviewers receive the fields.
 * @property {boolean} on
 * @property {boolean} [allowed]
 * @property {string | null} [reason] why analysis cannot be started now
 * @property {string | null} [session_id]
 * @property {string | null} [started_at]
 * @property {number | null} [t_s]
 * @property {WorkerState | null} [worker]
 * @property {"on" | "no_consent" | "off"} [captions] off: the operator wants no transcripts
 *
 * @typedef {object} Welcome
 * @property {"welcome"} type
 * @property {string} participant_id
 * @property {Role} role
 * @property {string} name
 * @property {number} heartbeat_s
 * @property {{title: string, duration_min: number, purpose: string}} interview
 *
 * @typedef {object} RoomState
 * @property {"state"} type
 * @property {string} status
 * @property {"absent" | "waiting" | "admitted" | "declined" | "ended"} you
 * @property {ParticipantState[]} participants
 * @property {AnalysisState} analysis
 * @property {{draining: boolean, until: string | null}} [server] draining: it only waits for running interviews to end
 *
 * @typedef {object} Marker
 * @property {string} id
 * @property {number | null} t_s null when no analysis ran
 * @property {"moment" | "question" | "peak"} kind
 * @property {string} label
 * @property {string | null} question_id
 * @property {string} author
 * @property {boolean} [deleted]
 *
 * @typedef {object} Note
 * @property {string} id
 * @property {number | null} t_s null when no analysis ran
 * @property {string} text
 * @property {string} author
 * @property {boolean} mine
 *
 * @typedef {{id: string, text: string}} Question
 * @typedef {{t_s: number, stress: number, why?: import('./peak_why.js').Why | null}} Peak
 *
 * @typedef {object} History
 * @property {"history"} type
 * @property {string | null} session_id
 * @property {Estimate[]} estimates
 * @property {Marker[]} markers
 * @property {Note[]} notes
 * @property {Question[]} questions
 * @property {Peak[]} peaks
 * @property {boolean} complete false when `estimates` starts after the `since_s` of the page
 *
 * @typedef {object} Word
 * @property {string} text
 * @property {number} from_s
 * @property {number} to_s
 * @property {number | null} confidence in [0, 1]
 *
 * @typedef {object} Caption What the candidate said.
 * @property {"caption"} type
 * @property {string | null} session_id
 * @property {Word[]} words
 * @property {number} lost_s speech for which the transcriber had no time
 * @property {boolean} complete the words replace what the page has
 *
 * @typedef {object} Explanation What the network's answer on one picture rests on. Without a map crop is null.
 * @property {"explanation"} type
 * @property {string} session_id
 * @property {Reason | "no_answer"} reason
 * @property {number | null} t_s capture time of the picture
 * @property {number} quality of the face in it, in [0, 1]
 * @property {string | null} emotion
 * @property {number | null} share of the emotion with nothing hidden, in [0, 1]
 * @property {string | null} crop base64 of 48 x 48 grey levels
 * @property {number[]} falls 6 x 6, row by row: how much the share falls when this place is hidden, in [-1, 1]
 * @property {{part: string, fall: number}[]} parts the largest fall first
 *
 * @typedef {"ended" | "declined" | "cancelled" | "replaced" | "expired" | "shutdown"} ByeReason
 *
 * @typedef {Welcome
 *   | RoomState
 *   | History
 *   | (Estimate & {type: "estimate", session_id: string})
 *   | (Marker & {type: "marker"})
 *   | (Note & {type: "note"})
 *   | Caption
 *   | Explanation
 *   | {type: "worker", state: WorkerState, from_s?: number}
 *   | {type: "knock", name: string}
 *   | {type: "error", code: string, message: string, client_id?: string}
 *   | {type: "pong"}
 *   | {type: "bye", reason: ByeReason}} ServerEvent
 *
 * @typedef {{type: string, [field: string]: unknown}} ClientEvent
 */

/** A page pings this often. */
export const HEARTBEAT_S = 5;

/** A server that was silent this long, a ping unanswered for half of it, is gone. */
export const SILENCE_S = 10;

/** The first message of the server must come this soon. */
export const WELCOME_TIMEOUT_S = 10;
