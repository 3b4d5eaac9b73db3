-- Every statement of the store. `-- name: X` begins statement QJ_SQL_X; a unit test prepares each one.

-- name: entry_get
-- Payloads up to ?2 bytes come with the row, larger ones are read in place.
SELECT record, CASE WHEN length(payload) <= ?2 THEN payload END FROM entry WHERE id = ?1;

-- name: entry_each
SELECT record, stamp.used, stamp.sum, entry.id FROM entry LEFT JOIN stamp ON stamp.id = entry.id;

-- name: entry_has
SELECT record FROM entry WHERE id = ?1;

-- name: entry_put
INSERT OR REPLACE INTO entry (id, record, payload) VALUES (?1, ?2, ?3);

-- name: salvage_up
SELECT id, record, payload FROM entry WHERE id BETWEEN ?1 AND ?2 ORDER BY id;

-- name: salvage_down
SELECT id, record, payload FROM entry WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC;

-- name: salvage_put
INSERT OR IGNORE INTO entry (id, record, payload) VALUES (?1, ?2, ?3);

-- name: entry_remove
DELETE FROM entry WHERE id = ?1;

-- name: entry_clear
DELETE FROM entry;

-- name: stamp_put
-- At most daily per row: ?4 is that day in seconds.
INSERT INTO stamp (id, used, sum) SELECT id, ?2, ?3 FROM entry WHERE id = ?1
ON CONFLICT (id) DO UPDATE SET used = excluded.used, sum = excluded.sum WHERE excluded.used - used >= ?4;

-- name: stamp_remove
DELETE FROM stamp WHERE id = ?1;

-- name: stamp_prune
DELETE FROM stamp WHERE id NOT IN (SELECT id FROM entry);

-- name: counter_add
INSERT INTO counter (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = value + excluded.value;

-- name: counter_get
SELECT value FROM counter WHERE name = ?1;

-- name: check
-- One line, "ok" or the first thing that is wrong; every page is met once.
PRAGMA quick_check(1);

-- name: page_count
PRAGMA page_count;

-- name: page_free_count
PRAGMA freelist_count;

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: vacuum
PRAGMA incremental_vacuum;

-- name: checkpoint
PRAGMA wal_checkpoint(TRUNCATE);

-- name: checkpoint_passive
PRAGMA wal_checkpoint(PASSIVE);
