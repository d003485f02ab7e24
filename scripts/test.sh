# Sourced by ./dev: builds and runs all tests, and closes with one line of counts.

passed=0 failed=0 skipped=0
failures=()

# execute NAME COMMAND...: output goes to a log, exit code and seconds beside it.
execute() {
  local name=$1 log=build/logs/$1.log started=$SECONDS code=0
  shift
  "$@" >"$log" 2>&1 </dev/null || code=$?
  echo "$code $((SECONDS - started))" >"${log%.log}.outcome"
}

# report NAME: a line, and the end of the log when it failed. Exit code 77 is a skip.
report() {
  local name=$1 log=build/logs/$1.log code seconds
  read -r code seconds <"${log%.log}.outcome"
  if [ "$code" -eq 0 ]; then
    passed=$((passed + 1))
    printf '  ok      %-28s %3d s\n' "$name" "$seconds"
    grep -hE '^(SKIP|skip)' "$log" | sed 's/^/          /' || true
  elif [ "$code" -eq 77 ]; then
    skipped=$((skipped + 1))
    printf '  skipped %-28s %s\n' "$name" "$(tail -1 "$log")"
  else
    failed=$((failed + 1))
    failures+=("$name")
    printf '  FAILED  %-28s %3d s, exit code %d; the end of %s:\n' "$name" "$seconds" "$code" "$log"
    tail -40 "$log" | sed 's/^/    | /'
  fi
}

run_step() {
  execute "$@"
  report "$1"
}

# Tests share nothing: two at a time.
begin() {
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  execute "$@" &
}

run_unit_tests() {
  local preset=$1 program
  shift
  for program in build/"$preset"/*_test; do begin "$(basename "$program")" "$program" "$@"; done
  wait
  for program in build/"$preset"/*_test; do report "$(basename "$program")"; done
}

run_integration_tests() {
  local script
  for script in tests/*/run.sh; do begin "$(basename "$(dirname "$script")")" bash "$script" build/release/millrace; done
  wait
  for script in tests/*/run.sh; do report "$(basename "$(dirname "$script")")"; done
}

run_tests() {
  local only="" integration=1 preset=release arguments=()
  while [ $# -gt 0 ]; do
    case $1 in
      --unit) integration=0 ;;
      --sanitize | --sanitize=address) preset=debug ;;
      --sanitize=thread) preset=tsan ;;
      -*) arguments+=("$1") ;;
      *) only=$1 ;;
    esac
    shift
  done
  mkdir -p build/logs
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1
  export TSAN_OPTIONS=suppressions=$PWD/scripts/tsan.supp:second_deadlock_stack=1
  if [ -n "$only" ]; then
    build "$preset" "${only}_test"
    exec "build/$preset/${only}_test" ${arguments[@]+"${arguments[@]}"}
  fi
  build "$preset" tests
  say "unit tests ($preset)"
  run_unit_tests "$preset" ${arguments[@]+"${arguments[@]}"}
  if [ $integration = 1 ] && [ $preset != release ]; then
    build $preset millrace
    say "a server under load ($preset)"
    run_step soak bash tests/soak/run.sh build/$preset/millrace
  elif [ $integration = 1 ]; then
    build release millrace sample_warehouse
    say "integration tests, on the release binary"
    run_integration_tests
  fi
  if [ $failed -gt 0 ]; then say "failed: ${failures[*]}"; fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed -eq 0 ]
}
