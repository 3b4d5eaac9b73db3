. "$QJIT_SOURCE/tests/cli/common.bash"
# A bundle from one store to another, and as a shipped store: the same bytes twice, signed, refused, merged.
need_rtc
need sqlite3
kernels=$(qjit list --kernels --json | jq -r '[group_by(.unit)[:3][][0].name] | join(",")')
umask 022
qjit warm --arch gfx1030,gfx906 --kernel "$kernels" --quiet
qjit keygen release.key --json | jq -c '[.secret, .public, (.key | test("^qjit-public-[0-9a-f]{64}$"))]'
stat -c '%n %a' release.key release.key.pub
try qjit keygen release.key 2>&1
qjit export all.qjit --sign release.key --json | jq -c '[.file, .rows, .refused, .signed, .faults]'
qjit export again.qjit --sign release.key >/dev/null
cmp all.qjit again.qjit && echo "same bytes"
qjit export gfx906.qjit --arch gfx906 --json | jq -c '[.rows, .signed]'
qjit export gfx1030.qjit --arch gfx1030 >/dev/null
try qjit export nothing.qjit --arch gfx90a 2>&1
ls nothing.qjit* 2>/dev/null
try qjit export all.qjit --hsaco objects 2>&1
try qjit export --hsaco objects --sign release.key 2>&1

first_store=$QJIT_CACHE_DIR
echo "--- import"
export QJIT_CACHE_DIR=$PWD/second
try qjit import all.qjit --trust release.key.pub
qjit import --json gfx906.qjit | jq -c '.[0] | [.rows, .added, .present, .refused]'
qjit warm --arch gfx1030,gfx906 --kernel "$kernels"
echo "--- refused"
export QJIT_CACHE_DIR=$PWD/third
try qjit import gfx906.qjit --trust release.key.pub 2>lines
sed "s/'dequantize[^']*'/UNIT/" lines
sqlite3 gfx906.qjit "UPDATE entry SET payload = CAST(substr(payload, 1, 999) || x'5a5b' || substr(payload, 1002) AS BLOB)
    WHERE id = (SELECT min(id) FROM entry)"
try qjit import gfx906.qjit 2>lines
sed "s/'dequantize[^']*'/UNIT/" lines
head -c 40000 all.qjit >cut.qjit
qjit import cut.qjit 2>&1 | sed "s|'/.*/|'|"
try qjit import nowhere.qjit 2>&1
try qjit import all.qjit --trust nonsense 2>&1
try qjit --cache-dir /dev/null/x import all.qjit 2>&1 | tail -n 2
echo "--- merge"
qjit --cache-dir "$first_store" export gfx906.qjit --arch gfx906 >/dev/null
qjit merge both.qjit gfx906.qjit gfx1030.qjit --sign release.key | sed 's/in [0-9]* bytes/in BYTES/'
cmp both.qjit all.qjit && echo "same bytes"
try qjit merge one.qjit gfx906.qjit all.qjit --trust release.key.pub 2>&1 |
    sed "s/'dequantize[^']*'/UNIT/; s/in [0-9]* bytes/in BYTES/"
echo "--- shipped"
export QJIT_CACHE_DIR=$PWD/fourth QJIT_SHIPPED=$PWD/all.qjit
QJIT_FORBID_COMPILE=1 qjit warm --arch gfx1030,gfx906 --kernel "$kernels"
QJIT_TRUST=release.key.pub QJIT_FORBID_COMPILE=1 qjit warm --arch gfx1030 --kernel "$kernels"
qjit explain "${kernels%%,*}" --arch gfx906 --json | jq -c '[.hit, .differing]'
qjit doctor --json | jq -c '.findings[] | select(.subject == "shipped") | [.health, (.found | sub("/.*/"; "")), .advice]'
qjit keygen other.key >/dev/null
QJIT_TRUST=other.key.pub qjit warm --arch gfx1030 --kernel "$kernels" --quiet 2>&1 |
    sed "s/'[0-9a-f]*\.\.\.'/ROW/; s|'/.*/|'|"
QJIT_TRUST=nowhere.pub try qjit stat 2>&1
QJIT_SHIPPED=$PWD/nowhere qjit stat --json 2>&1 >/dev/null | sed "s|'/[^']*/|'|g"
