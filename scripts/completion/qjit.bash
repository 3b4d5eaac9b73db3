# bash completion of qjit. Asks the command itself, so that it knows what this version takes.

_qjit() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' word
    local verbs='warm list stat info explain clear verify gc export doctor compile gguf help'
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case " $verbs " in *" $word "*) verb=$word && break ;; esac
    done
    COMPREPLY=()
    case $previous in
    -k | --kernel)
        [ "$verb" = list ] || { _qjit_reply "$(_qjit_column name)"; return; }
        ;;
    -m | --module) _qjit_reply "$(_qjit_column module)" && return ;;
    -u | --unit) _qjit_reply "$(_qjit_column unit)" && return ;;
    --hip) _qjit_reply 'rocm cpu cuda' && compopt -o default && return ;;
    --cache-dir | --worker | --header | -M | --model | -o | --output | --hsaco | --c-array | --rust-bytes) compopt -o default && return ;;
    -a | --arch | -b | --batch | -j | --jobs | -D | --define | --option | --older-than | --max-size) return ;;
    esac
    case $current in
    -*) _qjit_reply "$(qjit help $verb 2>/dev/null | grep -o -e '--[a-z][a-z-]*' | sort -u)" && return ;;
    esac
    case $verb in
    '' | help) _qjit_reply "$verbs" ;;
    info | explain) _qjit_reply "$(_qjit_column name)" ;;
    compile | gguf) compopt -o default ;;
    esac
}

_qjit_reply() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

# A column of the table of kernels.
_qjit_column() {
    local at
    case $1 in name) at=1 ;; module) at=2 ;; unit) at=3 ;; esac
    qjit list --kernels 2>/dev/null | awk -v at=$at 'NR > 1 { print $at }' | sort -u
}

complete -F _qjit qjit
