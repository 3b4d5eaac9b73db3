-- The store's tables. One row of `entry` is one code object.
--
-- `id` is the first eight bytes of the key as a signed integer, so that a look-up is one search of one tree; two
-- keys that agree in them displace each other, and the whole key is compared on every read.
-- `record` is everything that a row says, under a checksum (row.c); only it and `payload` are ever handed out. The
-- columns between them repeat what statements select and sort by: a hit that read twenty columns took twice the
-- time of one that reads two.
-- `payload` is last so that reading the other columns touches none of its pages.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    record BLOB NOT NULL,
    unit TEXT NOT NULL,
    module TEXT NOT NULL,
    arch TEXT NOT NULL,
    compiler TEXT NOT NULL,
    created INTEGER NOT NULL,
    object_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

-- When a row was last used, for rows used on a later day than the one they were made on. Apart from `entry`
-- because changing a row there writes its payload again.
CREATE TABLE stamp (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
