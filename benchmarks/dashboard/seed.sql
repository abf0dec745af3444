-- Fills one project with about %(masks)s masks: images, assignments, masks, their log and their timing rows.
-- Times in the log are whole milliseconds, so that the timing rows below are exactly what the log yields
-- (`manage.py recompute_timings` agrees). The project, people, model versions, pictures and shapes of masks are there
-- already, numbered in seed_people, seed_models, seed_picture and seed_shape. The pace follows the paper: 34 s fall to
-- 14 s, 20 masks per image rise to 44.

SELECT setseed(0.37);
SET LOCAL statement_timeout = 0;
SET LOCAL work_mem = '64MB';
SET LOCAL maintenance_work_mem = '256MB';

-- Work of a day ends at the hour of `now` and began ten hours before; after five days come two free ones.
CREATE OR REPLACE FUNCTION pg_temp.worked_at(hours_back double precision, ending timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
  SELECT ending - make_interval(
    days => (floor(hours_back / 10) + 2 * floor(hours_back / 50))::int,
    secs => (hours_back - 10 * floor(hours_back / 10)) * 3600
  )
$$;

CREATE TEMP TABLE seed_image AS
SELECT
  numbers.n,
  gen_random_uuid() AS image_id,
  gen_random_uuid() AS assignment_id,
  gen_random_uuid() AS page,
  picture.sha256,
  progress,
  model.id AS model_id,
  person.id AS person_id,
  person.pace,
  CASE WHEN numbers.n > %(done)s + 8 THEN NULL WHEN numbers.n > %(done)s THEN 'leased' WHEN random() < 0.03 THEN 'skipped' ELSE 'submitted' END AS state,
  pg_temp.worked_at(%(work_days)s * 10 * (1 - progress), %(now)s) AS ended_at,
  greatest(1, round(20 + 24 * progress + 12 * (random() - 0.5)))::int AS num_masks
FROM generate_series(1, %(images)s) AS numbers (n)
JOIN seed_picture AS picture ON picture.n = numbers.n
CROSS JOIN LATERAL (SELECT least(1.0, numbers.n::double precision / %(done)s) AS progress) AS along
JOIN seed_people AS person ON person.n = (numbers.n * 7919) %% %(people)s
JOIN seed_models AS model ON model.n = least(%(models)s - 1, floor(progress * %(models)s));

INSERT INTO annotator_image (id, project_id, picture_id, name, order_index, held_out, is_reference, is_practice, created_at)
SELECT image_id, %(project)s, sha256, 'photo-' || n || '.jpg', n, false, false, false, %(now)s FROM seed_image;

INSERT INTO annotator_embedding (id, picture_id, crop, encoder_fingerprint, file_key, file_sha256, num_bytes, created_at, used_at)
SELECT gen_random_uuid(), sha256, ARRAY[0, 0, %(width)s, %(height)s], %(encoder)s, 'embeddings/' || sha256, sha256, 1, %(now)s, %(now)s
FROM seed_image WHERE n <= %(images)s - %(waiting)s
ON CONFLICT DO NOTHING;

INSERT INTO annotator_assignment (id, image_id, annotator_id, model_version_id, state, leased_at, expires_at, opened_at, ended_at, skip_reason, skip_note)
SELECT
  assignment_id, image_id, person_id, model_id, state, ended_at - interval '1 hour', ended_at + interval '1 hour', ended_at - interval '1 hour',
  CASE WHEN state <> 'leased' THEN ended_at END,
  CASE WHEN state = 'skipped' THEN (ARRAY['unclear', 'unclear', 'nothing_to_annotate', 'nothing_to_annotate', 'broken_image', 'objectionable', 'other'])[1 + floor(7 * random())] ELSE '' END,
  ''
FROM seed_image WHERE state IS NOT NULL;

-- One row per mask. Its log: point, decode, then of three ways (another point and its decode, two switches of the
-- candidate, two strokes), then the accept. One in a hundred lost the time of an act, one in fifty was given up.
CREATE TEMP TABLE seed_mask AS
SELECT
  drawn.*,
  shape.counts, shape.counts_sha256, shape.area, shape.box, shape.hull_area, shape.prompts,
  (looking_ms + decode_ms + step_ms + (CASE WHEN way = 'point' THEN decode_2_ms ELSE step_ms END) + checking_ms) AS spent_ms
FROM (
  SELECT
    gen_random_uuid() AS id, image.*, k,
    accept.id AS accept_id,
    way, pace_ms, is_clockless, is_given_up,
    round(0.42 * pace_ms) AS looking_ms,
    round(0.18 * pace_ms) AS step_ms,
    round(0.16 * pace_ms) AS checking_ms,
    round(45 + 60 * random() + 400 * power(random(), 12)) AS decode_ms,
    round(45 + 60 * random() + 400 * power(random(), 12)) AS decode_2_ms
  FROM seed_image AS image
  CROSS JOIN LATERAL generate_series(1, image.num_masks) AS k
  CROSS JOIN LATERAL (SELECT gen_random_uuid() AS id, image.n AS same, k AS same_k) AS accept
  CROSS JOIN LATERAL (
    SELECT
      (ARRAY['point', 'point', 'point', 'point', 'point', 'candidate', 'candidate', 'stroke'])[1 + floor(8 * random() + 0 * k)] AS way,
      least(200000.0, 1000 * image.pace * (31 - 18 * image.progress) * exp(0.5 * sqrt(-2 * ln(1 - random())) * cos(6.2832 * random())) + 0 * k) AS pace_ms,
      random() + 0 * k < 0.01 AS is_clockless,
      random() + 0 * k < 0.02 AS is_given_up
  ) AS luck
  WHERE image.state = 'submitted'
  LIMIT %(masks)s
) AS drawn
JOIN seed_shape AS shape ON shape.n = (%(image_step)s * drawn.n + %(mask_step)s * k) %% %(shapes)s;

INSERT INTO annotator_mask (id, image_id, origin, author_id, assignment_id, state, counts, counts_sha256, area, box, model_version_id, predicted_iou,
  prompts, given_up, version, order_index, created_at, updated_at, accepted_at, is_withdrawn)
SELECT
  id, image_id, 'annotated', person_id, assignment_id, CASE WHEN is_given_up THEN 'draft' ELSE 'accepted' END, counts, counts_sha256, area, box, model_id, 0.9,
  prompts, is_given_up, 1, k,
  accepted_at, accepted_at, CASE WHEN NOT is_given_up THEN accepted_at END, false
FROM (SELECT *, ended_at - make_interval(secs => (num_masks - k) * pace_ms / 1000) AS accepted_at FROM seed_mask) AS seed_mask;

INSERT INTO annotator_maskrevision (mask_id, version, author_id, created_at, state, counts, counts_sha256, area, box, model_version_id, predicted_iou,
  prompts, given_up)
SELECT id, version, author_id, updated_at, state, counts, counts_sha256, area, box, model_version_id, predicted_iou, prompts, given_up
FROM annotator_mask WHERE image_id IN (SELECT image_id FROM seed_image);

-- Every fifth mask was looked at by the author's neighbour, who rejected one of ten of them.
INSERT INTO annotator_review (decision_id, mask_id, version, counts_sha256, outcome, reason, note, pins, reviewer_id, created_at)
SELECT gen_random_uuid(), mask.id, 1, mask.counts_sha256, CASE WHEN is_rejected THEN 'rejected' ELSE 'accepted' END,
  CASE WHEN is_rejected THEN (ARRAY['inexact_edge', 'missing_part', 'too_much', 'duplicate'])[1 + k %% 4] ELSE '' END,
  '', '[]', person.id, updated_at + interval '1 hour'
FROM (SELECT *, n * 7 + k AS place, (n * 7 + k) %% 50 = 0 AS is_rejected FROM seed_mask) AS seen
JOIN annotator_mask AS mask USING (id)
JOIN seed_people AS person ON person.n = (seen.n * 7919 + 1) %% %(people)s
WHERE mask.state = 'accepted' AND place %% 5 = 0;

INSERT INTO annotator_maskcheck (mask_id, counts_sha256, mask_updated_at, num_specks, hull_area)
SELECT id, mask.counts_sha256, updated_at, 0, hull_area FROM annotator_mask AS mask JOIN seed_mask USING (id)
WHERE mask.state = 'accepted';

INSERT INTO annotator_interaction (id, assignment_id, person_id, page, sequence, kind, mask_id_hint, at_ms, detail, flagged, received_at)
SELECT gen_random_uuid(), assignment_id, person_id, page, 0, 'open', NULL, 0, '{}', '', ended_at - interval '1 hour'
FROM seed_image WHERE state = 'submitted';

INSERT INTO annotator_interaction (id, assignment_id, person_id, page, sequence, kind, mask_id_hint, at_ms, detail, flagged, received_at)
SELECT
  CASE WHEN act.place = 5 THEN accept_id ELSE gen_random_uuid() END,
  assignment_id, person_id, page, 5 * (k - 1) + act.place, act.kind, id,
  CASE WHEN NOT (is_clockless AND act.place = 4) THEN before_ms + act.at_ms END,
  act.detail, '', ended_at
FROM (
  SELECT *, sum(spent_ms) OVER (PARTITION BY n ORDER BY k) - spent_ms AS before_ms FROM seed_mask
) AS mask
CROSS JOIN LATERAL (
  VALUES
    (1, 'point', looking_ms, prompts -> 0),
    (2, 'decode', looking_ms + decode_ms, jsonb_build_object('latency_ms', decode_ms)),
    (3, way, looking_ms + decode_ms + step_ms, CASE WHEN way = 'stroke' THEN jsonb_build_object('duration_ms', step_ms, 'painted_px', 120, 'erased_px', 30) ELSE '{}' END),
    (4, CASE WHEN way = 'point' THEN 'decode' ELSE way END, spent_ms - checking_ms,
      CASE way WHEN 'stroke' THEN jsonb_build_object('duration_ms', step_ms, 'painted_px', 120, 'erased_px', 30)
               WHEN 'point' THEN jsonb_build_object('latency_ms', decode_2_ms) ELSE '{}' END),
    (5, CASE WHEN is_given_up THEN 'give_up' ELSE 'accept' END, spent_ms, '{}')
) AS act (place, kind, at_ms, detail);

INSERT INTO annotator_masktiming (id, mask_id, version, accept_id, active_ms, looking_ms, prompting_ms, waiting_ms, painting_ms, idle_ms,
  num_points, num_boxes, num_candidate_switches, num_strokes, num_undos, painted_px, erased_px, decode_ms, flagged, created_at)
SELECT
  gen_random_uuid(), id, 1, accept_id,
  CASE WHEN NOT is_clockless THEN spent_ms END,
  CASE WHEN NOT is_clockless THEN looking_ms + checking_ms END,
  CASE WHEN NOT is_clockless THEN CASE way WHEN 'point' THEN step_ms WHEN 'candidate' THEN 2 * step_ms ELSE 0 END END,
  CASE WHEN NOT is_clockless THEN decode_ms + CASE WHEN way = 'point' THEN decode_2_ms ELSE 0 END END,
  CASE WHEN NOT is_clockless THEN CASE WHEN way = 'stroke' THEN 2 * step_ms ELSE 0 END END,
  CASE WHEN NOT is_clockless THEN 0 END,
  CASE WHEN way = 'point' THEN 2 ELSE 1 END, 0, CASE WHEN way = 'candidate' THEN 2 ELSE 0 END, CASE WHEN way = 'stroke' THEN 2 ELSE 0 END, 0,
  CASE WHEN way = 'stroke' THEN 240 ELSE 0 END, CASE WHEN way = 'stroke' THEN 60 ELSE 0 END,
  CASE WHEN way = 'point' THEN jsonb_build_array(decode_ms, decode_2_ms) ELSE jsonb_build_array(decode_ms) END,
  CASE WHEN is_clockless THEN 'an interaction has no time' ELSE '' END, ended_at
FROM seed_mask WHERE NOT is_given_up;

DROP TABLE seed_image, seed_mask;
