#!/usr/bin/env python3
"""Live mixed workload on the example company: workload.py DSN [--seconds 60] [--giant-rows 1000000]

Prints what it committed as one JSON object. May run as often as one likes, also several at once.
"""

import argparse
import collections
import concurrent.futures
import json
import random
import time
import uuid

import psycopg

CLERKS = 3
TRANSACTIONS_PER_SECOND = 90  # Of each clerk.
RETRIED = (psycopg.errors.DeadlockDetected, psycopg.errors.ExclusionViolation, psycopg.errors.UniqueViolation,
           psycopg.errors.ForeignKeyViolation, psycopg.errors.LockNotAvailable)

GUESTS = '"Front Desk"."Guest ""List""; DROP TABLE players; --"'
STRANGE_NUMBERS = ("NaN", "1e-20", "123456789012345678901234567890.000000000000000000001", "-0.00", "1e60", "42", "42.0")


class Clerk:
    """One connection that works as the company does. Every method is one transaction."""

    def __init__(self, dsn: str, number: int):
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.connection.execute("SET lock_timeout = '5s'")
        self.random = random.Random(time.time_ns() + number)
        # A block of keys of our own: nobody else, in this run or another, makes the same.
        self.next_key = time.time_ns() // 1000 * 10 + number * 1_000_000_000_000_000_000
        self.shot_keys = []

    def key(self) -> int:
        self.next_key += 1
        return self.next_key

    def run(self, statement: str, **parameters) -> int:
        return self.connection.execute(statement, parameters).rowcount

    def some(self, last: int) -> int:
        return self.random.randint(1, last)

    # ── inserts ──

    def play_a_session(self):
        first, count = self.key(), self.random.choice((1, 5, 20, 80))
        self.next_key += count
        self.run("INSERT INTO sessions (session_id, facility_id, player_id, started_at, ended_at) "
                 "SELECT %(id)s, 1 + %(id)s %% 60, player_id, now(), now() + interval '1 hour' FROM players WHERE player_id >= %(any)s "
                 "ORDER BY player_id LIMIT 1", id=first, any=uuid.UUID(int=self.random.getrandbits(127)))
        self.run("INSERT INTO shots SELECT %(id)s + i, %(id)s, i, '7 iron', clock_timestamp(), localtimestamp, random() * 80, NULL, random() * 40, '-0', "
                 "'Infinity', random(), random() * 200, random() * 200, 1.5, 20.25, 5, 1.4, 40, 2, i %% 9 > 0, random(), gen_random_uuid(), "
                 """'{"live": true}' FROM generate_series(0, %(count)s - 1) i""", id=first, count=count)
        self.run("INSERT INTO trajectories SELECT %(id)s, array_agg(i), array_agg(random()), array_agg(-i), NULL, "
                 "decode(string_agg(md5(random()::text), ''), 'hex'), string_agg(md5(random()::text), ' '), 1 FROM generate_series(1, 200) i", id=first)
        self.shot_keys.append((first, count))

    def measure(self):
        self.run("INSERT INTO measurements SELECT 1000 + i, %(at)s::timestamptz + i * interval '1 second', random() * 30, NULL "
                 "FROM generate_series(1, 10) i ON CONFLICT DO NOTHING", at=f"202{self.some(3) + 3}-0{self.some(9)}-11 {self.some(23)}:00+00")

    def write_the_log(self):
        self.run("INSERT INTO audit_log SELECT date_trunc('minute', now()), 'robot', 'beep', NULL FROM generate_series(1, 3)")

    def book_and_pay(self):
        booking = self.key()
        with self.connection.transaction():
            self.run("INSERT INTO bookings VALUES (%(id)s, %(facility)s, 90, tstzrange(%(at)s, %(at)s::timestamptz + interval '50 minutes'), 'walk-in')",
                     id=booking, facility=self.some(60), at=f"2027-{self.some(12):02}-{self.some(28):02} {self.some(23):02}:00+00")
            self.run("INSERT INTO payments VALUES (%(id)s, 1, %(amount)s, 'DKK', random()::numeric, NULL, 'today')",
                     id=booking, amount=self.random.choice(STRANGE_NUMBERS))

    # ── updates ──

    def train(self):
        self.run("UPDATE players SET handicap = handicap - 0.1, tags = tags || 'improved'::text WHERE player_id = md5('player' || %(n)s)::uuid "
                 "AND cardinality(tags) < 20 AND handicap > -90", n=self.some(20000))

    def look_at_a_trajectory(self):
        """Leaves the large values alone."""
        self.run("UPDATE trajectories SET revision = revision + 1 WHERE shot_id = %(n)s", n=self.some(2000))

    def rewrite_a_trajectory(self):
        self.run("UPDATE trajectories SET transcript = repeat(md5(random()::text), 300), x = x[1:150] WHERE shot_id = %(n)s", n=self.some(2000))

    def correct_shots(self):
        first = self.some(200000)
        self.run("UPDATE shots SET carry_m = carry_m + 0.5, raw = jsonb_set(raw, '{corrected}', 'true'), is_valid = NOT is_valid "
                 "WHERE shot_id BETWEEN %(first)s AND %(first)s + 15 AND carry_m < 900", first=first)

    def move_a_device(self):
        self.run("UPDATE devices SET earlier = (earlier || state)[1:8], state = (enum_range(NULL::device_state))[%(s)s], address = address + 1 "
                 "WHERE serial_number = %(n)s", s=self.some(5), n=f"TM-{self.some(2000):06}")

    def greet_a_guest(self):
        self.run(f'UPDATE {GUESTS} SET "select" = %(text)s, "MixedCase" = NOT "mixedcase" WHERE "Guest No." = %(n)s',
                 text=f"hello '{self.random.random()}' \\ \"{chr(self.some(2000) + 0x4E00)}\"", n=self.some(5000))

    def teach(self):
        self.run("UPDATE coaches SET rates[1] = rates[1] + 1, address.house_number = (address).house_number + 1, rating = 1 + coach_id %% 5 "
                 "WHERE coach_id = %(n)s", n=self.some(500))

    # ── keys ──

    def replace_a_card(self):
        """The replica identity changes; the large terms and the primary key stay."""
        self.run("UPDATE memberships SET card_number = 'CARD-' || %(key)s WHERE membership_id = %(n)s", key=self.key(), n=self.some(3000))

    def rotate_keys(self):
        """Three rows pass their keys on in a ring, which collide unless the order is kept."""
        a, b, c = self.random.sample(range(1, 3001), 3)
        with self.connection.transaction():
            self.run("SELECT FROM memberships WHERE membership_id = ANY(%(keys)s) ORDER BY membership_id FOR UPDATE", keys=[a, b, c])
            spare = -a  # No card has a negative number.
            for old, new in ((a, spare), (b, a), (c, b), (spare, c)):
                self.run("UPDATE memberships SET membership_id = %(new)s WHERE membership_id = %(old)s", old=old, new=new)

    def renumber_a_player(self):
        """Cascades to the player's sessions."""
        with self.connection.transaction():
            self.run("UPDATE players SET player_id = %(new)s WHERE player_id = md5('player' || %(n)s)::uuid", new=uuid.uuid4(), n=self.some(20000))

    def move_between_partitions(self):
        self.run("UPDATE measurements SET measured_at = measured_at + interval '1 year' WHERE device_number = %(n)s AND measured_at = "
                 "(SELECT min(measured_at) FROM measurements WHERE device_number = %(n)s)", n=self.some(499))

    def swap_bookings(self):
        """Two guests change places: between the statements, the constraint would not hold without the deletes."""
        with self.connection.transaction():
            rows = self.connection.execute("DELETE FROM bookings WHERE booking_id = ANY(%s) RETURNING *",
                                           [sorted(self.random.sample(range(1, 20001), 2))]).fetchall()
            if len(rows) == 2:
                (a, *place_a, guest_a), (b, *place_b, guest_b) = rows
                rows = [(a, *place_b, guest_a), (b, *place_a, guest_b)]
            for row in rows:
                self.connection.execute("INSERT INTO bookings VALUES (%s, %s, %s, %s, %s)", row)

    # ── deletes, and what never happened ──

    def forget_shots(self):
        if self.shot_keys and self.random.random() < 0.5:
            first, count = self.shot_keys.pop(0)
            with self.connection.transaction():
                self.run("DELETE FROM trajectories WHERE shot_id = %(first)s", first=first)
                self.run("DELETE FROM shots WHERE shot_id BETWEEN %(first)s AND %(first)s + %(count)s", first=first, count=count)
        else:
            self.run("DELETE FROM shots WHERE shot_id = %(n)s", n=self.some(200000))

    def tidy_the_log(self):
        """Removes one of several equal rows."""
        self.run("DELETE FROM audit_log WHERE ctid = (SELECT ctid FROM audit_log WHERE actor = 'robot' LIMIT 1 FOR UPDATE SKIP LOCKED)")

    def new_tee_sheet(self):
        with self.connection.transaction():
            self.run("TRUNCATE tee_sheet")
            self.run("INSERT INTO tee_sheet SELECT i, time '06:00' + i * interval '7 minutes', 'Party ' || random() FROM generate_series(1, 60) i")

    def change_of_mind(self):
        """Rolls back to savepoints, inside one that stays."""
        with self.connection.transaction():
            self.run("UPDATE facilities SET bays = bays + 1, settings = settings || '{\"seen\": 1}' WHERE facility_id = %(n)s AND bays < 30000", n=self.some(60))
            with self.connection.transaction():
                self.run("DELETE FROM tee_sheet WHERE slot <= 2")
                with self.connection.transaction(force_rollback=True):
                    self.run("UPDATE shots SET club = 'ghost' WHERE shot_id BETWEEN %(n)s AND %(n)s + 50", n=self.some(200000))
            with self.connection.transaction(force_rollback=True):
                self.run("DELETE FROM payments WHERE booking_id < 100")

    def cancel_everything(self):
        with self.connection.transaction(force_rollback=True):
            self.run("DELETE FROM sessions WHERE session_id BETWEEN %(n)s AND %(n)s + 300", n=self.some(40000))


# How often each happens, relative to the others.
KINDS = {"play_a_session": 20, "measure": 10, "write_the_log": 8, "book_and_pay": 8, "train": 14, "look_at_a_trajectory": 12, "rewrite_a_trajectory": 2,
         "correct_shots": 8, "move_a_device": 6, "greet_a_guest": 6, "teach": 4, "replace_a_card": 5, "rotate_keys": 3, "renumber_a_player": 2,
         "move_between_partitions": 4, "swap_bookings": 4, "forget_shots": 10, "tidy_the_log": 5, "new_tee_sheet": 1, "change_of_mind": 4,
         "cancel_everything": 1}


def work(clerk: Clerk, until: float, done: collections.Counter):
    """Transactions at a steady rate until then."""
    kinds, weights = list(KINDS), list(KINDS.values())
    due = time.monotonic()
    while (now := time.monotonic()) < until:
        time.sleep(max(0.0, due - now))
        due = max(due, now - 1) + 1 / TRANSACTIONS_PER_SECOND
        kind = clerk.random.choices(kinds, weights)[0]
        try:
            getattr(clerk, kind)()
            done[kind] += 1
        except RETRIED:
            done["collisions"] += 1  # Two clerks wanted the same: the later one lost, as in life.


def giant(dsn: str, rows: int) -> float:
    """One transaction of so many rows, with a savepoint rolled back in its midst. Returns its seconds."""
    insert = ("INSERT INTO measurements SELECT 100000 + i, timestamptz '2025-06-01 00:00+00' + i %% 500 * interval '1 day', 20.5, i %% 100 "
              "FROM generate_series(%s::int, %s) i")
    start = time.monotonic()
    with psycopg.connect(dsn) as connection:
        taken = connection.execute("SELECT coalesce(max(device_number), 100000) - 100000 FROM measurements WHERE device_number > 100000").fetchone()[0]
        connection.execute(insert, [taken + 1, taken + rows // 2])
        with connection.transaction(force_rollback=True):
            connection.execute(insert, [taken + rows + 1, taken + rows + rows // 10])
        connection.execute(insert, [taken + rows // 2 + 1, taken + rows])
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dsn")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--giant-rows", type=int, default=1_000_000, help="0: without the giant transaction")
    arguments = parser.parse_args()

    done = [collections.Counter() for _ in range(CLERKS)]
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CLERKS) as pool:
        clerks = [pool.submit(work, Clerk(arguments.dsn, i), start + arguments.seconds, done[i]) for i in range(CLERKS)]
        giant_seconds = 0.0
        if arguments.giant_rows:
            time.sleep(arguments.seconds / 3)
            giant_seconds = giant(arguments.dsn, arguments.giant_rows)
        for clerk in clerks:
            clerk.result()
    kinds = dict(sorted(sum(done, collections.Counter()).items()))
    collisions = kinds.pop("collisions", 0)
    print(json.dumps({"seconds": round(time.monotonic() - start, 1), "transactions": sum(kinds.values()), "kinds": kinds,
                      "collisions": collisions, "giant_rows": arguments.giant_rows, "giant_seconds": round(giant_seconds, 1)}))


if __name__ == "__main__":
    main()
