# Completion of kv for bash: source this file, or put it into bash-completion's folder as "kv".
_kv() {
  local commands="get set del search similar hybrid scan load import export bench verify backup
    stats cluster shell"
  local global="--server --dir --output --timeout --write-level --read-level --help"
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ " ${commands//$'\n'/ } " == *" $word "* ]]; then
      command=$word
      break
    fi
  done

  case $previous in
    -o | --output)
      mapfile -t COMPREPLY < <(compgen -W "table json plain" -- "$current")
      return
      ;;
    --format)
      mapfile -t COMPREPLY < <(compgen -W "ndjson csv tsv" -- "$current")
      return
      ;;
    -d | --dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
  esac

  local words=$global
  case $command in
    "") words="$commands $global" ;;
    set) words+=" --ttl" ;;
    search | hybrid) words+=" --limit --offset --prefix --excerpt --typos" ;;
    similar) words+=" --key --limit --prefix" ;;
    scan) words+=" --prefix --limit --values" ;;
    load) words+=" --format --key-field --skip-errors" ;;
    import) words+=" --skip-errors" ;;
    export) words+=" --prefix" ;;
    bench) words+=" set get --connections --pipeline --seconds --size --keys" ;;
  esac
  if [[ $current != -* && $command =~ ^(load|import|export|backup)$ ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -F _kv kv
