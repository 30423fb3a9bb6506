#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests under the thread sanitizer, with the trait NIO on.
#
#   .ci/thread_sanitizer.sh                          all tests
#   .ci/thread_sanitizer.sh --filter NIOConformance  any arguments of `swift test`
#
# Fails if a test fails, and if the sanitizer reports anything.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=${TSAN_SCRATCH:-.build-tsan}
build=(--traits NIO --sanitize thread --scratch-path "$scratch")
reports=$(mktemp -d)
trap 'rm -rf "$reports"; rm -f Package.resolved' EXIT

swift build --build-tests "${build[@]}"

export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan_suppressions.txt log_path=$reports/report"
preload=
if [ "$(uname)" = Linux ]; then
  # Swift's own clang: the calling convention of the functions is Swift's.
  clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
  preload=$PWD/$scratch/tsan_mutex.so
  "$clang" -shared -fPIC -O1 -o "$preload" .ci/tsan_mutex.c
fi

status=0
run() { LD_PRELOAD=$preload swift test --skip-build "${build[@]}" "$@" || status=$?; }

if [ $# -gt 0 ]; then
  run "$@"
else
  # The talks' own limits of five seconds are for people; they hold beside nine hundred other tests
  # at once, but not with the sanitizer in all of them.
  run --skip TalkTests
  run --filter TalkTests
fi
if compgen -G "$reports/*" >/dev/null; then
  cat "$reports"/*
  echo "the thread sanitizer reported $(cat "$reports"/* | grep -c '^WARNING: ThreadSanitizer') times"
  exit 1
fi
exit $status
