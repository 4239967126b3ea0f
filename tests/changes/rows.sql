-- 10,000 users and what belongs to them, about 29,000 rows: the same ones at each run.
-- For a database with all migrations of tests/monorepo: psql -X -v ON_ERROR_STOP=1 -f rows.sql

BEGIN;

-- Twenty admins, 480 trainers, 9,500 clients.
INSERT INTO users (id, email, name, role, created_at, updated_at)
SELECT md5('user:' || n)::uuid,
       lower(first_name || '.' || last_name) || n || '@' || domain,
       first_name || ' ' || last_name,
       (CASE WHEN n <= 20 THEN 'admin' WHEN n <= 500 THEN 'trainer' ELSE 'client' END)::user_role,
       joined,
       joined + (n % 90) * interval '1 day'
FROM (
    SELECT n,
           (ARRAY['Ada', 'Ben', 'Carla', 'Deniz', 'Elif', 'Femi', 'Greta', 'Hugo', 'Ines', 'Jonas',
                  'Kaya', 'Lena', 'Milan', 'Nora', 'Omar', 'Paula', 'Quinn', 'Rosa', 'Sami', 'Tara',
                  'Uma', 'Viktor', 'Wanda', 'Yusuf', 'Zoe'])[1 + n % 25] AS first_name,
           (ARRAY['Abel', 'Brandt', 'Costa', 'Dahl', 'Engel', 'Ferrari', 'Gomez', 'Horvat', 'Ito',
                  'Jensen', 'Kaminski', 'Lindgren', 'Moreau', 'Novak', 'Okafor', 'Petrov', 'Rossi',
                  'Schmidt', 'Tanaka', 'Ueda', 'Varga', 'Weber', 'Yilmaz', 'Zimmer'])
               [1 + (n * 7 / 25) % 24] AS last_name,
           (ARRAY['example.com', 'example.org', 'example.net'])[1 + n % 3] AS domain,
           timestamptz '2024-01-01 06:00:00+00' + n * interval '97 minutes' AS joined
    FROM generate_series(1, 10000) AS n
) AS person;

INSERT INTO exercises (id, name, muscle_group, equipment, created_at, updated_at)
SELECT md5('exercise:' || n)::uuid,
       (ARRAY['Tempo', 'Paused', 'Single-arm', 'Incline', 'Weighted', 'Slow'])[1 + (n - 1) / 10]
           || ' ' ||
       (ARRAY['squat', 'lunge', 'row', 'pulldown', 'press', 'fly', 'curl', 'extension', 'plank', 'crunch'])
           [1 + (n - 1) % 10],
       (ARRAY['legs', 'back', 'chest', 'arms', 'core'])[1 + (n - 1) % 10 / 2]::muscle_group,
       (ARRAY['barbell', 'dumbbell', 'machine', NULL])[1 + n % 4],
       timestamptz '2024-01-01 06:00:00+00',
       timestamptz '2024-01-01 06:00:00+00'
FROM generate_series(1, 60) AS n;

-- Five workouts for each trainer.
INSERT INTO workouts (id, trainer_id, title, description, created_at, updated_at)
SELECT md5('workout:' || n)::uuid,
       md5('user:' || 21 + n % 480)::uuid,
       (ARRAY['Full body', 'Upper body', 'Lower body', 'Core', 'Push', 'Pull'])[1 + n % 6]
           || ' ' || (ARRAY['A', 'B', 'C'])[1 + n % 3],
       CASE WHEN n % 4 > 0 THEN 'Week ' || 1 + n % 12 || ', about ' || 30 + n % 5 * 10 || ' minutes.' END,
       timestamptz '2025-01-06 06:00:00+00' + n * interval '3 hours',
       timestamptz '2025-01-06 06:00:00+00' + n * interval '3 hours'
FROM generate_series(1, 2400) AS n;

-- Three exercises in each workout.
INSERT INTO workout_exercises (workout_id, position, exercise_id, sets, reps)
SELECT md5('workout:' || n)::uuid,
       position,
       md5('exercise:' || 1 + (n + position * 17) % 60)::uuid,
       2 + (n + position) % 4,
       (ARRAY['5', '8', '10', '12', '8-12', '10-15', 'AMRAP'])[1 + (n * 3 + position) % 7]
FROM generate_series(1, 2400) AS n, generate_series(1, 3) AS position;

INSERT INTO sessions (id, workout_id, client_id, scheduled_at, duration_minutes, status, notes, created_at, updated_at)
SELECT md5('session:' || n)::uuid,
       md5('workout:' || 1 + n % 2400)::uuid,
       md5('user:' || 501 + n * 37 % 9500)::uuid,
       timestamptz '2025-06-02 05:00:00+00' + n * interval '53 minutes',
       (ARRAY[30, 45, 60, 60, 90])[1 + n % 5],
       (CASE WHEN n % 10 < 6 THEN 'completed' WHEN n % 10 < 9 THEN 'planned' ELSE 'cancelled' END)::session_status,
       CASE WHEN n % 7 = 0 THEN 'Felt strong, add weight next time.' END,
       timestamptz '2025-05-26 05:00:00+00' + n * interval '53 minutes',
       timestamptz '2025-05-26 05:00:00+00' + n * interval '53 minutes'
FROM generate_series(1, 8000) AS n;

INSERT INTO invites (id, email, token, invited_by, accepted_at, expires_at, created_at, updated_at)
SELECT md5('invite:' || n)::uuid,
       'guest' || n || '@example.org',
       md5('invite-token:' || n),
       md5('user:' || 21 + n % 480)::uuid,
       CASE WHEN n % 3 = 0 THEN sent + (n % 6) * interval '1 day' END,
       sent + interval '7 days',
       sent,
       sent
FROM (
    SELECT n, timestamptz '2025-06-02 05:00:00+00' + n * interval '6 hours' AS sent
    FROM generate_series(1, 1200) AS n
) AS invitation;

COMMIT;

ANALYZE users, exercises, workouts, workout_exercises, sessions, invites;
