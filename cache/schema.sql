-- The store's tables. One row of `entry` is one code object.
--
-- `id` is the first eight bytes of the key as a signed integer, so that a look-up is one search of one tree; two
-- keys that agree in them displace each other, and the whole key is compared on every read.
-- `record` is everything that a row says, under a checksum (row.c). There are no columns beside it to select by, since a
-- bit flipped in one of those would go unnoticed: whoever selects reads the records.
-- `payload` is last so that reading the record touches none of its pages; codec.c knows where its pages begin.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    record BLOB NOT NULL,
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
