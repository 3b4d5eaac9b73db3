. "$QJIT_SOURCE/tests/cli/common.bash"
# On a terminal, everything at once is removed only after a yes.
need script
for answer in n '' yes; do
    echo "answer: $answer"
    printf '%s\n' "$answer" | script -qec 'qjit clear' /dev/null >typescript
    echo "exit $?"
    # The terminal echoes the answer at a moment of its own.
    grep -o -e 'remove all 0 entries of .*store.sqlite? \[y/N\]' -e 'nothing was removed' \
        -e '0 entries removed' typescript | sed 's/ of .*store.sqlite/ of STORE/'
done
