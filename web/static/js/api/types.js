/**
 * What the server's API speaks, as the pages see it. Ids are UUIDs, times ISO-8601 UTC.
 */

/** @typedef {import('../geometry/types.js').Rle} Rle */

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
 */

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
 * @typedef {object} Assignment
 * @property {string} id
 * @property {string} state
 * @property {string} expires_at
 * @property {number} lease_seconds
 * @property {ImageFacts} image
 * @property {ModelAddressFacts} model
 * @property {string} embedding_url
 */

/** @typedef {{assignment: Assignment, upcoming: Assignment[]}} NextAssignment */

/**
 * @typedef {object} StoredMask
 * @property {string} id
 * @property {number} version
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {number} order_index
 * @property {Rle} rle
 * @property {number} area
 * @property {number[]} bbox
 * @property {string} sha256
 * @property {number | null} predicted_iou
 * @property {string | null} model_version
 * @property {'annotated' | 'imported'} origin
 * @property {string | null} author  null: imported, and nobody has worked on it yet
 * @property {string} updated_at
 * @property {boolean} given_up
 * @property {Json[]} prompts  ordered provenance
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

/** @typedef {'unclear' | 'nothing_to_annotate' | 'broken_image' | 'objectionable' | 'other'} SkipReason */

/** @typedef {Record<string, any>} Json what pages read without this module's knowledge */

export {};
