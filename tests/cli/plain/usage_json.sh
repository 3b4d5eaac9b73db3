. "$QJIT_SOURCE/tests/cli/common.bash"
# With --json even a wrong command line is told as JSON, wherever --json stands.
for line in '--json wram' 'warm --nope --json' 'info --json' '--json' 'clear --json'; do
    qjit $line >out
    echo "exit $?"
    jq -c '[.error.status, .error.detail]' out
done
