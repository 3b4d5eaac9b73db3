. "$QJIT_SOURCE/tests/cli/common.bash"
# The commands of docs/shipping.md, in their order, as they stand there.
need_rtc
umask 022
awk '/^```sh$/ { run = 1; next } /^```$/ { run = 0 } run' "$QJIT_SOURCE/docs/shipping.md" >commands
[ "$(grep -c qjit commands)" -ge 7 ] || echo "where have the commands gone?"
bash -eu ./commands >said 2>errors || { cat errors; exit 1; }
sed 's/ in [0-9.]* s:/:/; s/qjit-public-[0-9a-f]*/KEY/; s/in [0-9]* bytes/in BYTES/' said
