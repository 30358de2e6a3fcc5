#!/bin/sh
# Attacks the laws of the readers and the verdicts with fresh examples until the time is over:
# fuzz.sh BIN_DIRECTORY SECONDS
set -u

bin=$1
end=$(($(date +%s) + $2))
rounds=0
while [ "$(date +%s)" -lt "$end" ]; do
  rounds=$((rounds + 1))
  printf '== round %s, %s s left\n' "$rounds" "$((end - $(date +%s)))"
  timeout "$((end - $(date +%s)))" "$bin/python" -m pytest --quiet --numprocesses auto \
    --hypothesis-profile fuzz -m hypothesis tests </dev/null
  status=$?
  [ "$status" -eq 124 ] && break # the time is over in the middle of a round
  [ "$status" -eq 0 ] || exit 1
done
printf '%s rounds begun, nothing found\n' "$rounds"
