# Sourced by run.sh: steps with a name, progress and time, and the one line when something cannot be had.

step_number=0
step_count=0
step_pid=
step_must_end= # not empty: a signal waits for the running step instead of ending it

now_ms() { date +%s%3N; }

# seconds MS -> "1.2 s"
seconds() { printf '%d.%d s' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }

# fail WHAT HOW: ends with the one line that says what is missing and how to get it.
fail() {
  printf '\naod: %s. %s\n' "$1" "$2" >&2
  exit 1
}

# descendants PID: everything it started, the last first. Without procps, which a fresh machine may not have.
descendants() {
  for child in $(cat "/proc/$1/task/"*/children 2>/dev/null || true); do
    descendants "$child"
    printf '%s ' "$child"
  done
}

# A shell without job control starts what runs in the background with SIGINT ignored, so it has to be ended from here.
interrupted() {
  trap '' INT TERM HUP
  printf '\n' >&2
  if [ "$step_pid" ] && [ "$step_must_end" ]; then
    echo "aod: '$step_name' ends what it has begun" >&2
    wait "$step_pid" || true
  elif [ "$step_pid" ]; then
    # shellcheck disable=SC2046 # a list of process ids
    kill $(descendants "$step_pid") "$step_pid" 2>/dev/null || true
  fi
  exit "$1"
}
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

# step NAME FUNCTION [ARG...]: runs FUNCTION with its output in build/log/, shows the time that passes, and the output's end
# when it failed. What FUNCTION writes to file descriptor 3 becomes the remark at the end of the step's line.
step() {
  step_name=$1
  shift
  step_number=$((step_number + 1))
  step_log=build/log/$(printf '%s' "$step_name" | tr -c 'A-Za-z0-9' '-').log
  step_note=$step_log.note
  step_title=$(printf '[%d/%d] %-24s' "$step_number" "$step_count" "$step_name")
  step_started=$(now_ms)
  if [ -t 1 ]; then printf '%s' "$step_title"; fi

  ("$@") >"$step_log" 2>&1 3>"$step_note" </dev/null &
  step_pid=$!
  step_said=0
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep 0.1
    step_ms=$(($(now_ms) - step_started))
    if [ "$((step_ms / 1000))" -gt "$step_said" ]; then
      step_said=$((step_ms / 1000))
      if [ -t 1 ]; then
        printf '\r\033[K%s %d s  %.70s' "$step_title" "$step_said" "$(tail -n 1 "$step_log" | tr -d '\r\033')"
      elif [ "$((step_said % 20))" = 0 ]; then
        printf '%s still at it after %d s: %.90s\n' "$step_title" "$step_said" "$(tail -n 1 "$step_log" | tr -d '\r\033')"
      fi
    fi
  done
  step_status=0
  wait "$step_pid" || step_status=$?
  step_pid=
  step_took=$(seconds $(($(now_ms) - step_started)))

  if [ -t 1 ]; then printf '\r\033[K'; fi
  if [ "$step_status" = 0 ]; then
    printf '%s %s  %s\n' "$step_title" "$step_took" "$(cat "$step_note")"
    rm -f "$step_note"
    return 0
  fi
  printf '%s FAILED after %s\n' "$step_title" "$step_took"
  tail -n 40 "$step_log" | sed 's/^/    /' >&2
  step_why=$(cat "$step_note")
  rm -f "$step_note"
  fail "the step '$step_name' failed${step_why:+: $step_why}" "Its whole output: $step_log"
}

# note TEXT: the remark of the running step.
note() { printf '%s' "$*" >&3; }
