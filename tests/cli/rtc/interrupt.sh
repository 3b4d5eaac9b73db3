. "$QJIT_SOURCE/tests/cli/common.bash"
# A signal ends the warm-up after the units under way; what is compiled stays, and the next run goes on from there.
need_rtc
mkfifo lines
# interrupt SIGNAL [OPTION...]: once the first unit is compiled
interrupt() {
    local signal=$1
    shift
    env --default-signal=INT qjit warm --arch all "$@" >sum 2>lines &
    exec 3<lines
    read -r _ <&3
    kill -"$signal" $!
    cat <&3 >/dev/null
    wait $!
    echo "exit $?"
}
interrupt TERM
sed 's/[0-9][0-9]* of [0-9]* units/N of M units/' sum
first=$(qjit stat --json | jq .entries)
[ "$first" -gt 0 ] && echo "store: has some"
interrupt INT
sed 's/[0-9][0-9]* of [0-9]* units/N of M units/' sum
[ "$(qjit stat --json | jq .entries)" -gt "$first" ] && echo "store: has more"
[ "$(qjit stat --json | jq .entries)" -lt 100 ] && echo "store: not all"
