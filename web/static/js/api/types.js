/**
 * What the server's API speaks, as the pages see it. Ids are UUIDs, times ISO-8601 UTC.
 */

/** @typedef {import('../geometry/types.js').Rle} Rle */

/**
 * @typedef {object} MyImage  one that this person worked on
 * @property {string} assignment
 * @property {string} project
 * @property {string} image
 * @property {string} name
 * @property {string} thumbnail_url
 * @property {'leased' | 'submitted' | 'skipped' | 'expired' | 'returned'} state
 * @property {number} num_masks  accepted ones
 * @property {number | null} active_s  of all its masks
 * @property {string} worked_at
 * @property {string} refusal  why it cannot be opened again; empty where it can
 */

/**
 * @typedef {object} KeptKeys
 * @property {Readonly<Record<string, readonly string[]>>} keys  by command its chords, where they differ from the first ones
 * @property {string | null} saved_at  null: never
 */

/**
 * @typedef {object} Me
 * @property {string} id
 * @property {string} name
 * @property {string} display_name
 * @property {boolean} is_admin
 * @property {{project: string, role: 'annotator' | 'manager'}[]} memberships
 */

/**
 * @typedef {object} TilePyramid
 * @property {number} tile_size
 * @property {{level: number, width: number, height: number}[]} levels
 */

/**
 * @typedef {object} ImageFacts
 * @property {string} id
 * @property {string} project
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {string} sha256
 * @property {string} state
 * @property {string} file_url
 * @property {string} thumbnail_url
 * @property {TilePyramid | null} tiles
 * @property {'ready' | 'pending' | 'failed' | 'none'} embedding
 * @property {number} num_masks
 * @property {boolean} [held_out] kept for scoring, never trained on
 * @property {boolean} [is_reference] others get copies without its masks
 * @property {boolean} [is_practice] people learn on copies without its masks
 */

/**
 * What to change of images; what is not named stays.
 * @typedef {{held_out?: boolean, is_reference?: boolean, is_practice?: boolean, removed?: true}} ImageChanges
 */

/** @typedef {{id: string, name: string, code: string, message: string}} RefusedImage */

/** @typedef {{changed: string[], refused: RefusedImage[]}} ImageChangeReport  ids, and what stayed as it was */

/**
 * @typedef {object} ModelAddressFacts
 * @property {string} id
 * @property {string} bundle_fingerprint
 * @property {string} encoder_fingerprint
 * @property {string} manifest_url
 * @property {string} files_url
 */

/**
 * One image lent to this person until `expires_at`.
 * @typedef {Opening & {id: string, state: string, expires_at: string, lease_seconds: number}} Assignment
 */

/** @typedef {{assignment: Assignment, upcoming: Assignment[]}} NextAssignment */

/**
 * @typedef {object} PractisedObject  a pair of masks, or one without another like it
 * @property {string | null} mask  one's own; null: missed
 * @property {Rle | null} rle  the known mask; null: none is like one's own
 * @property {number | null} iou
 * @property {number | null} boundary_iou
 */

/**
 * @typedef {object} PracticeResult
 * @property {number} num_found
 * @property {number} num_missed
 * @property {number} num_extra
 * @property {number | null} mean_iou
 * @property {number | null} mean_boundary_iou
 * @property {PractisedObject[]} objects
 */

/** @typedef {import('../state/types.js').Review} Review */

/**
 * An image to open in a workbench; a correction has no lease.
 * @typedef {object} Opening
 * @property {ImageFacts} image
 * @property {ModelAddressFacts} model
 * @property {string} embedding_url
 */

/** @typedef {'empty' | 'specks' | 'border' | 'duplicate' | 'too_fast'} Finding  of an automatic check */

/** @typedef {'unreviewed' | 'accepted' | 'fixed' | 'rejected'} ReviewState */

/**
 * @typedef {object} QueuedMask
 * @property {string} mask
 * @property {string} image
 * @property {string} image_name
 * @property {string | null} author
 * @property {string} author_name
 * @property {ReviewState} state
 * @property {Finding[]} findings
 */

/**
 * @typedef {object} ReviewQueuePage
 * @property {QueuedMask[]} masks
 * @property {number} total
 * @property {Record<ReviewState, number>} counts
 * @property {{id: string, name: string}[]} authors
 */

/**
 * @typedef {object} ReviewedMask
 * @property {StoredMask} mask
 * @property {ImageFacts} image
 * @property {string} author_name
 * @property {Finding[]} findings
 * @property {(Review & {reviewer: string})[]} reviews  newest first
 */

/**
 * @typedef {object} StudiedMask  to be rated
 * @property {string} id
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {Rle} rle
 */

/**
 * @typedef {object} NextToRate
 * @property {number} num_rated  by oneself
 * @property {number} num_masks
 * @property {StudiedMask | null} next
 */

/**
 * @typedef {object} Decision
 * @property {string} decision_id
 * @property {number} version
 * @property {'accepted' | 'rejected'} outcome
 * @property {string | null} reason
 * @property {string} note
 * @property {import('../state/types.js').Pin[]} pins
 */

/**
 * @typedef {object} StoredMask
 * @property {string} id
 * @property {number} version
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {number} order_index
 * @property {Rle} rle
 * @property {number} area
 * @property {import('../geometry/types.js').Box} bbox
 * @property {string} sha256
 * @property {number | null} predicted_iou
 * @property {string | null} model_version
 * @property {'annotated' | 'imported'} origin
 * @property {string | null} author  null: imported, and nobody has worked on it yet
 * @property {string} updated_at
 * @property {boolean} given_up
 * @property {string | null} parent  the mask that it is a part of
 * @property {Json[]} prompts  ordered provenance
 * @property {Review | null} review  the newest decision about these pixels
 */

/**
 * @typedef {object} SavedMask
 * @property {string} id
 * @property {number} version
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {number} area
 * @property {string} sha256
 * @property {string} image
 * @property {number} order_index
 */

/**
 * Numbers about some part of the work, as in docs/api.md; shares are 0 to 1, null is what cannot be said.
 * @typedef {object} Line
 * @property {number} masks
 * @property {number} timed_masks
 * @property {number | null} median_seconds_per_mask
 * @property {number | null} p90_seconds_per_mask
 * @property {number | null} masks_per_active_hour
 * @property {number} active_hours
 * @property {number} idle_hours
 * @property {number | null} looking_share
 * @property {number | null} prompting_share
 * @property {number | null} waiting_share
 * @property {number | null} painting_share
 * @property {number | null} points_per_mask
 * @property {number | null} boxes_per_mask
 * @property {number | null} candidate_switches_per_mask
 * @property {number | null} painted_masks_share
 * @property {number | null} painted_pixels_share
 * @property {number} given_up
 * @property {number | null} given_up_rate
 * @property {number} images_submitted
 * @property {number} images_skipped
 * @property {number | null} skip_rate
 * @property {number | null} masks_per_image
 * @property {number} decodes
 * @property {number | null} median_decode_ms
 * @property {number | null} p90_decode_ms
 * @property {string | null} last_accepted_at
 */

/** @typedef {Line & {day: string}} DayLine */
/** @typedef {Line & {person: string, name: string}} PersonLine */
/** @typedef {Line & {model_version: string | null, name: string, retrainings: number}} ModelLine */
/** @typedef {{total: number, waiting: number, ready: number, in_progress: number, submitted: number, skipped: number, left: number}} ImageCounts */
/** @typedef {{images_per_day: number, days_seen: number, days_left: number | null, low: number | null, high: number | null}} Forecast */
/** @typedef {{until: string, masks: number, images: number, people: number}} HourRow */

/**
 * @typedef {object} Throughput
 * @property {string} at
 * @property {number | null} days null: all of them
 * @property {number} masks of all time, as `imported` and `images`
 * @property {number} imported not among `masks`
 * @property {ImageCounts} images
 * @property {Forecast} forecast
 * @property {HourRow[]} hours the last ones, oldest first
 * @property {Line} whole
 * @property {DayLine[]} by_day oldest first
 * @property {PersonLine[]} by_person
 * @property {ModelLine[]} by_model
 * @property {{reason: SkipReason, images: number}[]} skip_reasons
 */

/**
 * Logits [L, L] travel in half precision, little-endian, base64.
 * @typedef {object} DecodePrompt
 * @property {string} bundle_fingerprint
 * @property {{x: number, y: number, label: 0 | 1}[]} points in image pixels
 * @property {readonly number[] | null} box x0, y0, x1, y1
 * @property {string | null} mask_input logits to refine
 */

/** @typedef {{token: number, predicted_iou: number, low_res: string}} DecodedCandidate */

/** @typedef {{crop: [number, number, number, number], state: 'ready' | 'pending' | 'failed', url: string}} WantedCrop */

/** @typedef {'unclear' | 'nothing_to_annotate' | 'broken_image' | 'objectionable' | 'other'} SkipReason */

/** @typedef {Record<string, any>} Json what pages read without this module's knowledge */

/**
 * What the masks of an export must be; nothing: any. Days are days in UTC.
 *
 * @typedef {object} ExportPart
 * @property {number} [trained_in]  number of a round; goes with nothing else
 * @property {number} [since_round]
 * @property {string} [author]  id
 * @property {string} [first_day]  of accepting, 2026-11-21
 * @property {string} [last_day]
 * @property {'annotated' | 'imported'} [origin]
 * @property {boolean} [reviewed]
 */

/** @typedef {{format: string, part: ExportPart, with_pictures: boolean}} ExportWanted */

export {};
