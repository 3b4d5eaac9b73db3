# What several scripts use. Sourced.

# Ends a script in rtc/ where there is nothing to compile with.
need_rtc() {
    if ! { ldconfig -p; ls /opt/rocm*/lib; } 2>/dev/null | grep -Eq 'lib(amdhip64|hiprtc)\.so'; then
        echo "skipped: no hipRTC on this machine"
        exit 77
    fi
}

need() {
    command -v "$1" >/dev/null || { echo "skipped: no $1"; exit 77; }
}

# rustup's rustc wants a home that it has set up; the distribution's does not.
need_rustc() {
    rustc --version >/dev/null 2>&1 || PATH=/usr/bin:$PATH
    rustc --version >/dev/null 2>&1 || { echo "skipped: no rustc"; exit 77; }
}

# try COMMAND...: runs it and says its exit status, so that one script can look at several.
try() {
    "$@"
    echo "exit $?"
}

# is_json: standard input is one JSON value, whatever jq takes it for.
is_json() {
    jq -e . >/dev/null && echo "JSON"
}

# An arch that the compiler here knows and every version does.
arch=gfx1030

need jq
