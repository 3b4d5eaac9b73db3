. "$QJIT_SOURCE/tests/cli/common.bash"
# A worker that is none: each unit fails with one line, and nothing hangs.
need_rtc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
for worker in /bin/false /nowhere/qjit-worker; do
    qjit --worker $worker warm --arch $arch --kernel "$kernel" >sum 2>lines
    echo "exit $?"
    wc -l <lines
    sed 's/in [0-9.]* s/in TIME/' sum
    qjit --worker $worker info "$kernel" --arch $arch --json >out
    echo "exit $?"
    jq -r .error.status out
done
