-- The store's tables. One row of `entry` is one code object.
--
-- `id` is the first eight bytes of the key as a signed integer, so that a look-up is one search of one tree; two
-- keys that agree in them displace each other, and the whole key is compared on every read.
-- `row_sum` covers every other column, lengths included, and `payload_sum` is one of them.
-- `payload` is last so that reading the other columns touches none of its pages.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    row_sum BLOB NOT NULL,
    payload_sum BLOB NOT NULL,
    key BLOB NOT NULL,
    source_digest BLOB NOT NULL,
    headers_digest BLOB NOT NULL,
    codec INTEGER NOT NULL,
    object_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    compile_us INTEGER NOT NULL,
    created INTEGER NOT NULL,
    unit TEXT NOT NULL,
    module TEXT NOT NULL,
    arch TEXT NOT NULL,
    compiler TEXT NOT NULL,
    options TEXT NOT NULL,
    kernels TEXT NOT NULL,
    log TEXT NOT NULL,
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
