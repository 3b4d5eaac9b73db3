# cmake -DSCHEMA=... -DQUERIES=... -DOUT=... -P embed.cmake: writes OUT/cache_sql.h (one enum value a statement) and
# OUT/cache_sql.c (their texts, and the schema).

# SQL as a C string literal, a line of it a line.
function(literal out text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

file(READ ${QUERIES} rest)
file(READ ${SCHEMA} schema)
set(names "")
set(texts "")
set(mark "-- name: ")
string(LENGTH "${mark}" mark_length)
# The first mark in the file's own comment is in backquotes, never at the start of a line.
string(FIND "${rest}" "\n${mark}" at)
while(NOT at EQUAL -1)
    math(EXPR at "${at} + 1 + ${mark_length}")
    string(SUBSTRING "${rest}" ${at} -1 rest)
    string(FIND "${rest}" "\n" end)
    string(SUBSTRING "${rest}" 0 ${end} name)
    string(SUBSTRING "${rest}" ${end} -1 rest)
    string(FIND "${rest}" "\n${mark}" at)
    string(SUBSTRING "${rest}" 0 ${at} text)
    string(STRIP "${text}" text)
    literal(text "${text}")
    string(TOUPPER "${name}" upper)
    string(APPEND names "    QJ_SQL_${upper},\n")
    string(APPEND texts "    [QJ_SQL_${upper}] = ${text},\n")
endwhile()
literal(schema "${schema}")

file(WRITE ${OUT}/cache_sql.h.new "/* Made from cache/queries.sql; do not edit. */
#ifndef QJ_CACHE_SQL_H
#define QJ_CACHE_SQL_H

enum qj_sql {
${names}    QJ_SQL_COUNT
};

extern const char *const qj_sql_texts[QJ_SQL_COUNT];
extern const char qj_sql_schema[];

#endif
")
file(WRITE ${OUT}/cache_sql.c.new "/* Made from cache/queries.sql and cache/schema.sql; do not edit. */
#include \"cache_sql.h\"

const char *const qj_sql_texts[QJ_SQL_COUNT] = {
${texts}};

const char qj_sql_schema[] = ${schema};
")
foreach(file cache_sql.h cache_sql.c)
    file(COPY_FILE ${OUT}/${file}.new ${OUT}/${file} ONLY_IF_DIFFERENT)
    file(REMOVE ${OUT}/${file}.new)
endforeach()
