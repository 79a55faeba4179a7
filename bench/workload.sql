-- The canonical workload: an 11-column table, its rows, and a backlog of changes to it. The same every time.

CREATE TABLE shots (
  shot_id      bigint PRIMARY KEY,
  player_id    uuid NOT NULL,
  hit_at       timestamptz NOT NULL,
  ball_speed   double precision NOT NULL,
  launch_angle double precision,
  spin_rate    double precision,
  carry        double precision,
  club         text NOT NULL,
  venue        text,
  raw          jsonb,
  is_valid     bool NOT NULL
);

-- For latencies: rows that are watched on their way.
CREATE TABLE probe (id bigint PRIMARY KEY, note text);

CREATE FUNCTION new_shots(first bigint, count bigint) RETURNS SETOF shots LANGUAGE sql AS $$
  SELECT i, md5((i % 20000)::text)::uuid, timestamptz '2026-01-01 00:00+00' + i * interval '1.000007 seconds', 20 + i % 6007 / 100.0,
         i % 4001 / 100.0, 1500 + i % 7919, i % 25013 / 100.0, (ARRAY['driver', '3 wood', '7 iron', 'wedge', 'putter'])[1 + i % 5],
         'range ' || i % 97, jsonb_build_object('radar', i % 400, 'mode', 'outdoor', 'noise', i % 1009 / 1000.0, 'frames', i % 300), i % 97 > 0
  FROM generate_series(first, first + count - 1) i
$$;

-- The backlog: `inserts` rows in transactions of 1 to 1000; for each five of them more than one update, for each twenty a delete,
-- every one of these a transaction of its own; all interleaved. `rows`: how many there are before.
CREATE PROCEDURE make_backlog(rows bigint, inserts bigint) LANGUAGE plpgsql AS $$
DECLARE
  inserted bigint := 0;
  updated bigint := 0;
  deleted bigint := 0;
  batch bigint;
  turn bigint := 0;
BEGIN
  WHILE inserted < inserts LOOP
    turn := turn + 1;
    batch := least(1 + turn * 7919 % 1000, inserts - inserted);
    INSERT INTO shots SELECT * FROM new_shots(rows + 1 + inserted, batch);
    inserted := inserted + batch;
    COMMIT;
    WHILE updated < inserted / 4 LOOP
      updated := updated + 1;
      UPDATE shots SET ball_speed = ball_speed + 100, is_valid = NOT is_valid WHERE shot_id = 2 * (updated * 104729 % (rows / 2)) + 1;
      COMMIT;
    END LOOP;
    WHILE deleted < inserted / 20 LOOP
      deleted := deleted + 1;
      DELETE FROM shots WHERE shot_id = 2 * (deleted * 15485863 % (rows / 2));
      COMMIT;
    END LOOP;
  END LOOP;
END
$$;
