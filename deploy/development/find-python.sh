#!/bin/sh
# Prints the CPython that the environments are made from: "VERSION PATH", as in "3.13 /usr/bin/python3.13".
#
# $PYTHON, when set, is the only one looked at. Otherwise 3.13 is preferred to 3.12, and PATH to
# ~/.pyenv/versions. Each candidate is started, since a name on PATH may be a shim without a Python behind it.
set -u

probe='
import platform, sys
if platform.python_implementation() != "CPython":
    sys.exit("is " + platform.python_implementation())
version = "%d.%d" % sys.version_info[:2]
if version not in ("3.12", "3.13"):
    sys.exit("is Python " + version)
try:
    import ensurepip, ssl, venv
except ImportError as missing:
    sys.exit("lacks " + str(missing.name))
print(version, sys.executable)
'
looked=''

# try FILE [VERSION]: ends the script when FILE is a usable CPython (of that version); else notes why it is not.
try() {
  [ -x "$1" ] || { [ -z "${PYTHON:-}" ] || looked="; \`$1\` is not an executable file"; return 0; }
  case "$looked" in *"\`$1\`"*) return 0 ;; esac
  if answer=$(env -u PYTHONHOME -u PYTHONPATH "$1" -c "$probe" 2>&1 </dev/null); then
    printf '%s\n' "$answer"
    exit 0
  fi
  case "$answer" in
    'is '* | 'lacks '*) looked="$looked; \`$1\` $answer" ;;
    *) looked="$looked; \`$1\` does not start" ;;
  esac
}

on_path() {
  old_ifs=$IFS
  IFS=:
  for directory in $PATH; do
    IFS=$old_ifs
    try "$directory/$1"
  done
  IFS=$old_ifs
}

if [ -n "${PYTHON:-}" ]; then
  try "$(command -v "$PYTHON" 2>/dev/null || printf '%s' "$PYTHON")"
  printf 's3gate needs CPython 3.12 or 3.13, and the one that PYTHON= names does not do%s.\n' "$looked" >&2
  exit 3
fi
for version in 3.13 3.12; do
  on_path "python$version"
  for file in "$HOME"/.pyenv/versions/"$version"*/bin/python3; do try "$file"; done
done
on_path python3
on_path python
printf 's3gate needs CPython 3.12 or 3.13 and found none among python3.13, python3.12, python3 and python on PATH and %s: install one or name one with PYTHON=/path/to/python%s.\n' \
  "$HOME/.pyenv/versions/3.1[23]*" "$looked" >&2
exit 3
