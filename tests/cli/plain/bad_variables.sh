. "$QJIT_SOURCE/tests/cli/common.bash"
# A variable that makes no sense is named, and nothing is done.
exec 2>&1
QJIT_JOBS=none try qjit stat
QJIT_CACHE_MAX_SIZE=lots try qjit stat
QJIT_FORBID_COMPILE=perhaps try qjit stat
QJIT_JOBS=0 try qjit stat --json
