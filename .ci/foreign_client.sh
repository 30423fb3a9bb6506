#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs google-genai, unmodified, against `LiveBrokerDemo serve` over TLS.
#
#   .ci/foreign_client.sh [PATH OF LiveBrokerDemo, built with --traits NIO]
#
# The SDK is installed from PyPI into .venv/foreign-client (ignored by git, reused by later runs).
set -euo pipefail
cd "$(dirname "$0")/.."

# The server's lifetimes in seconds, scaled down.
export CONNECTION=8 NOTICE=3 WINDOW=2 TOKEN=30

scratch=${NIO_SCRATCH:-.build-nio}
demo=${1:-}
if [ -z "$demo" ]; then
  swift build -c release --scratch-path "$scratch" --traits NIO --product LiveBrokerDemo
  demo=$scratch/release/LiveBrokerDemo
  # With it, the next build without the trait would fetch every package.
  rm -f Package.resolved
fi

venv=.venv/foreign-client
[ -x $venv/bin/python ] || python3 -m venv $venv
$venv/bin/python -c 'import google.genai' 2>/dev/null || $venv/bin/pip install --quiet google-genai

work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

mkfifo "$work/out"
"$demo" serve --port 0 --host localhost --tls-cert "$work/cert.pem" --tls-key "$work/key.pem" \
  --connection-lifetime ${CONNECTION}s --go-away-notice ${NOTICE}s --new-session-window ${WINDOW}s \
  --token-lifetime ${TOKEN}s --answer-length 400ms >"$work/out" 2>"$work/log" &
server=$!
read -r -t 20 line <"$work/out" || { echo "the server did not begin:"; cat "$work/log"; exit 1; }
url=${line#listening on }

status=0
SSL_CERT_FILE=$work/cert.pem timeout 180 $venv/bin/python .ci/foreign_client.py "$url" || status=$?
[ $status -eq 0 ] || { echo "what the server saw:"; tail -n 200 "$work/log"; exit 1; }

# No credential may stand in its log, and no handle: the emulator's are words of a hundred characters.
if grep -nE 'auth_tokens/[A-Za-z0-9_-]{20}|any-key|bad-key|[A-Za-z0-9_-]{80}' "$work/log"; then
  echo "a secret in the log"
  exit 1
fi

kill -INT "$server"
wait "$server" || { echo "the server did not end well after SIGINT: $?"; tail "$work/log"; exit 1; }
server=
