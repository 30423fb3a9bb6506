#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes Sources/LiveBrokerDemo/Audio/RecordedSpeech.swift anew: the demo's built-in recording.
# Needs espeak-ng 1.51, sox 14.4 and python3; no build or test ever runs it. See docs/audio.md.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

n=0
say() { # voice speed pitch text
  n=$((n + 1))
  espeak-ng -v "$1" -s "$2" -p "$3" -g 0 -w "$(printf 'v%02d.wav' "$n")" "$4"
}
say en-gb+m3 165 45 "Good morning. I would like to move my appointment from Tuesday to the end of the week, if that is possible."
say en-us+f3 170 55 "Of course. Friday at a quarter past nine is free, and so is Thursday after lunch. Which of the two suits you better?"
say en-gb-scotland+m7 160 40 "The lighthouse keeper counts seventeen ships before breakfast, four of them red, and writes each name into a blue book."
say en-gb+m3 170 50 "Mix flour, water, salt and a little yeast; wait until the dough has doubled, then bake it for forty minutes."
say en-gb-scotland+m7 165 42 "When the connection drops in the middle of a word, a good listener remembers exactly where the sentence stopped."

for f in v*.wav; do
  # No pause longer than a tenth of a second: pauses are silence, and silent frames are all alike.
  # -R makes sox's dither the same in every run.
  sox -R "$f" -r 16000 -b 16 -c 1 "r_$f" gain -3 rate -v silence -l 1 0.02 0.05% -1 0.10 0.05%
done
# 488,487 samples: no common divisor with the 320 samples of a frame, so that the frames of every
# further pass over the recording begin at other places than those of the passes before.
sox -R r_v*.wav -b 16 speech.wav gain -n -3 trim 0 488487s

python3 - speech.wav "$root/Sources/LiveBrokerDemo/Audio/RecordedSpeech.swift" <<'PYTHON'
import base64, sys, wave

reader = wave.open(sys.argv[1])
assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 16000)
samples = reader.readframes(reader.getnframes())
assert len(samples) == 488487 * 2, len(samples)
frames = [samples[i:i + 640] for i in range(0, len(samples) - 639, 640)]
print(f"{len(samples) // 2} samples, {len(frames)} whole frames, {len(set(frames))} of them unique")
assert len(set(frames)) >= 0.95 * len(frames)

chunk = 48_000  # bytes; a multiple of 3, so that each chunk is base64 without padding
with open(sys.argv[2], "w") as out:
    out.write("// SPDX-License-Identifier: Apache-2.0\n")
    out.write("// swift-format-ignore-file\n\n")
    out.write("/// The demo's own recording: headerless PCM, 16 kHz, 16 bit, mono, little-endian, as base64.\n///\n")
    out.write("/// Written by `.ci/make_recording.sh`; `docs/audio.md` says what is spoken and by whom.\n")
    out.write("enum RecordedSpeech {\n")
    out.write(f"  /// Bytes of the decoded recording.\n  static let byteCount = {len(samples)}\n\n")
    out.write("  /// The recording in order; each chunk is complete base64.\n")
    out.write("  static let chunks: [StaticString] = [\n")
    for i in range(0, len(samples), chunk):
        out.write('    "' + base64.b64encode(samples[i:i + chunk]).decode() + '",\n')
    out.write("  ]\n}\n")
PYTHON
