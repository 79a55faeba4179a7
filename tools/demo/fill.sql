-- Some hundred thousand rows, in seconds. The same every time.
SELECT setseed(0.42) \g /dev/null

INSERT INTO facilities (name, country, position, open_between, bays, settings)
SELECT 'Range ' || i, (ARRAY['DK', 'DE', 'US', 'JP', 'GB'])[1 + i % 5], point(55 + i / 10.0, 12 - i / 10.0), int4range(6 + i % 3, 20 + i % 4),
       (4 + i % 20)::smallint, jsonb_build_object('floodlight', i % 2 = 0, 'nets', jsonb_build_array(i, i + 1), 'note', E'line\nbreak "quoted"')
FROM generate_series(1, 60) i;

INSERT INTO players
SELECT md5('player' || i)::uuid, 'Player ' || i || CASE WHEN i % 7 = 0 THEN ' Øvergård' ELSE '' END, CASE WHEN i % 3 > 0 THEN 'p' || i || '@example.com' END,
       date '1940-01-01' + (i * 37) % 25000, round((random() * 60 - 6)::numeric, 1), i % 9 = 0,
       CASE i % 4 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['junior'] WHEN 2 THEN ARRAY['a,b', NULL, ''] ELSE ARRAY['vip', '"quoted"', '{braces}'] END,
       CASE WHEN i % 20 = 0 THEN decode(repeat(md5(i::text), 40), 'hex') END, timestamptz '2015-01-01 00:00+00' + i * interval '4 hours 3.000217 seconds'
FROM generate_series(1, 20000) i;

INSERT INTO coaches (name, email, rating, address, speaks, rates)
SELECT 'Coach ' || i, 'coach' || i || '@example.com', nullif(i % 6, 0), CASE WHEN i % 5 > 0 THEN ROW('Vej "' || i || '", st.', i, 'Hørsholm', 'DK')::postal_address END,
       ARRAY['da', 'en'], ARRAY[i * 1.25, NULL, 0]
FROM generate_series(1, 500) i;

INSERT INTO sessions (facility_id, player_id, coach_id, started_at, ended_at, break_after, weather)
SELECT 1 + i % 60, md5('player' || 1 + (i * 7) % 20000)::uuid, CASE WHEN i % 11 = 0 THEN 1 + i % 500 END, timestamptz '2025-03-01 08:00+01' + i * interval '11 minutes',
       CASE WHEN i % 50 > 0 THEN timestamptz '2025-03-01 09:00+01' + i * interval '11 minutes 1 second' END,
       CASE WHEN i % 8 = 0 THEN make_interval(months => i % 3, days => i % 5, secs => i % 7 + 0.25) END, ('{"wind" : ' || i % 12 || ',  "gusts":1e2}')::json
FROM generate_series(1, 40000) i;

INSERT INTO shots
SELECT i, 1 + i / 5, i % 5, (ARRAY['driver', '3 wood', '7 iron', 'wedge', 'putter'])[1 + i % 5], timestamptz '2025-03-01 08:00+01' + i * interval '131.000007 seconds',
       timestamp '2025-03-01 09:00' + i * interval '131.000007 seconds', 20 + random() * 60, 10 + random() * 45, random() * 40, random() * 8 - 4,
       (random() * 9000)::real, (random() * 40 - 20)::real, (random() * 250)::numeric(7, 3), (random() * 280)::numeric(7, 3), (random() * 40 - 20)::numeric(7, 3),
       (random() * 40)::numeric(6, 2), (random() * 8)::numeric(5, 3), (1 + random() / 2)::numeric(4, 3), (random() * 50)::real, (i % 6)::smallint, i % 97 > 0,
       CASE WHEN i % 1000 = 0 THEN 'NaN' ELSE random() END::real, CASE WHEN i % 3 > 0 THEN md5('radar' || i % 400)::uuid END,
       CASE WHEN i % 4 > 0 THEN jsonb_build_object('frames', i % 300, 'mode', 'outdoor', 'noise', round(random()::numeric, 5)) END
FROM generate_series(1, 200000) i;

INSERT INTO trajectories
SELECT i, array_agg((j * 0.02)::real ORDER BY j), array_agg(j * 1.5 + random() ORDER BY j), array_agg(sin(j / 9.0) * 30 ORDER BY j),
       CASE WHEN i % 5 > 0 THEN array_agg(CASE WHEN j % 50 = 0 THEN NULL ELSE random() END ORDER BY j) END,
       decode(repeat(md5('echo' || i), 256), 'hex'), CASE WHEN i % 2 = 0 THEN repeat(md5('words' || i), 200) END, 1
FROM generate_series(1, 2000) i, generate_series(1, 200) j GROUP BY i;

INSERT INTO bookings
SELECT i, 1 + i % 60, (i / 60 % 4)::smallint, tstzrange(at, at + interval '55 minutes', CASE WHEN i % 2 = 0 THEN '[)' ELSE '[]' END), 'Guest ' || i
FROM generate_series(1, 20000) i, LATERAL (SELECT timestamptz '2026-01-01 06:00+00' + i / 240 * interval '1 hour' AS at) t;

INSERT INTO payments
SELECT 1 + i / 2, (i % 2)::smallint, CASE i % 10 WHEN 0 THEN 1e30 WHEN 1 THEN 0.00000000000000000001 WHEN 2 THEN 'NaN' WHEN 3 THEN 100.00 WHEN 4 THEN -0.10
       ELSE round((random() * 1000)::numeric, i % 7) END, (ARRAY['DKK', 'EUR', 'USD'])[1 + i % 3], CASE WHEN i % 3 > 0 THEN 1 / (1 + random())::numeric END,
       (random() * 100)::numeric(12, 4), date '2026-01-01' + i % 300
FROM generate_series(0, 29999) i;

INSERT INTO devices
SELECT 'TM-' || lpad(i::text, 6, '0'), (enum_range(NULL::device_state))[1 + i % 5], (enum_range(NULL::device_state))[1:i % 4],
       CASE WHEN i % 2 = 0 THEN inet '10.0.0.0' + i ELSE ('2001:db8::' || to_hex(i) || '/64')::inet END, cidr '10.1.0.0/16', ('08:00:2b:01:' || lpad(to_hex(i / 256), 2, '0') ||
       ':' || lpad(to_hex(i % 256), 2, '0'))::macaddr, (i % 256)::bit(8), time '08:00' + i * interval '17.5 seconds', '22:30:00+02'
FROM generate_series(1, 2000) i;

INSERT INTO measurements
SELECT i % 500, timestamptz '2025-10-01 00:00+00' + i / 500 * interval '15 minutes', (15 + random() * 20)::real, (random() * 100)::numeric(5, 2)
FROM generate_series(0, 99999) i;

INSERT INTO audit_log
SELECT timestamptz '2026-01-01 00:00+00' + i / 3 * interval '1 second', CASE WHEN i % 5 > 0 THEN 'clerk ' || i / 3 % 9 END, 'login', CASE WHEN i % 6 > 2 THEN '{"ok": true}' END::jsonb
FROM generate_series(1, 15000) i;

INSERT INTO memberships
SELECT i, 'CARD-' || i, 'Player ' || i, daterange('2026-01-01', CASE WHEN i % 3 > 0 THEN date '2026-01-01' + i % 700 + 1 END), repeat(md5('terms' || i), 125)
FROM generate_series(1, 3000) i;

INSERT INTO tee_sheet SELECT i, time '07:00' + i * interval '8 minutes', 'Party ' || i FROM generate_series(1, 100) i;

INSERT INTO "Front Desk"."Guest ""List""; DROP TABLE players; --"
SELECT i, 'row ' || i, E'tab\there', CASE WHEN i % 2 = 0 THEN '🎾 ' || i END, i % 2 = 0, i % 3 = 0 FROM generate_series(1, 5000) i;

ANALYZE;
