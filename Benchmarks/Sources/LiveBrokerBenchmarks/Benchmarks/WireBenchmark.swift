// SPDX-License-Identifier: Apache-2.0

import Foundation
import LiveBroker

/// Encoding and decoding of hot frames, beside Foundation's coders in the same run.
struct WireBenchmark: Benchmark {
  static let name = "wire"
  static let summary = "hot frames, beside Foundation's JSON coders with base64"

  /// The same frames for Foundation: only the fields that are there.
  private struct InlineData: Codable { var mimeType: String; var data: Data }
  private struct Part: Codable { var inlineData: InlineData }
  private struct Turn: Codable { var parts: [Part] }
  private struct Content: Codable { var modelTurn: Turn }
  private struct Inbound: Codable { var serverContent: Content }
  private struct Realtime: Codable { var audio: InlineData }
  private struct Outbound: Codable { var realtimeInput: Realtime }

  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure] {
    progress.show("hot frames", 0)
    let times = options.isQuick ? 100 : 20_000
    let sound = (0..<960).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let mime = "audio/pcm;rate=24000"
    let message = ServerMessage(
      serverContent: ServerContent(
        modelTurn: LiveBroker.Content(parts: [
          LiveBroker.Part(inlineData: Blob(mimeType: mime, data: sound))
        ])))
    let frame = message.encoded()
    let data = Data(frame)
    let decoder = JSONDecoder()
    let encoder = JSONEncoder()
    var input = RealtimeInput()
    input.audio = Blob(mimeType: "audio/pcm;rate=16000", data: Array(sound.prefix(640)))
    let outbound = ClientMessage.realtimeInput(input)
    let other = Outbound(
      realtimeInput: Realtime(
        audio: InlineData(mimeType: "audio/pcm;rate=16000", data: Data(sound.prefix(640)))))

    let decode = try time(options, times) { _ = try ServerMessage(decoding: frame) }
    let theirDecode = try time(options, times / 10) {
      _ = try decoder.decode(Inbound.self, from: data)
    }
    let encode = try time(options, times) { _ = outbound.encoded() }
    let theirEncode = try time(options, times / 10) { _ = try encoder.encode(other) }
    return [
      Figure("wire.decodeAudio", "decode 20 ms of 24 kHz audio", .nanoseconds, decode),
      Figure("wire.decodeAudioFoundation", "the same by Foundation", .nanoseconds, theirDecode),
      Figure(
        "wire.decodeRatio", "decoding is cheaper by", .ratio,
        [median(theirDecode) / median(decode)], .atLeast(8)),
      Figure("wire.encodeAudio", "encode 20 ms of 16 kHz audio", .nanoseconds, encode),
      Figure("wire.encodeAudioFoundation", "the same by Foundation", .nanoseconds, theirEncode),
      Figure(
        "wire.encodeRatio", "encoding is cheaper by", .ratio,
        [median(theirEncode) / median(encode)], .atLeast(5)),
    ] + (try small(options, times)) + WireMemory.measure()
  }

  private static func small(_ options: Options, _ times: Int) throws -> [Figure] {
    let frames = [
      (
        "handle", "decode a handle update",
        #"{"sessionResumptionUpdate":{"newHandle":"\#(String(repeating: "h", count: 100))","resumable":true}}"#
      ),
      ("turnEnd", "decode a turn's end", #"{"serverContent":{"turnComplete":true}}"#),
      ("goAway", "decode a goAway", #"{"goAway":{"timeLeft":"50s"}}"#),
    ]
    return try frames.map { name, title, text in
      let bytes = Array(text.utf8)
      return Figure(
        "wire.\(name)", title, .nanoseconds,
        try time(options, times) { _ = try ServerMessage(decoding: bytes) })
    }
  }

  /// Nanoseconds of processor time for one call, round by round.
  private static func time(_ options: Options, _ times: Int, _ body: () throws -> Void) throws
    -> [Double]
  {
    let times = max(10, times)
    return try (0..<options.rounds).map { _ in
      let begin = ProcessorTime.now
      for _ in 0..<times { try body() }
      return ProcessorTime.now.seconds(since: begin) * 1e9 / Double(times)
    }
  }
}
