// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The messages of the service as bytes. What never changes is built once and shared, so that
/// sending it allocates nothing; audio is a few prepared chunks that come round again.
struct ServerVoice: Sendable {
  let setupComplete = Array(#"{"setupComplete":{}}"#.utf8)
  let withheld = Array(#"{"sessionResumptionUpdate":{}}"#.utf8)
  let interrupted = Array(#"{"serverContent":{"interrupted":true}}"#.utf8)
  let turnOver = Array(#"{"serverContent":{"turnComplete":true}}"#.utf8)
  let generationComplete = Array(#"{"serverContent":{"generationComplete":true}}"#.utf8)
  /// Chunks of answered audio, whole messages.
  private let chunks: [[UInt8]]
  /// Bytes of PCM in one chunk: 24 kHz, 16 bit, mono.
  let chunkBytes: Int

  init(rules: ModelRules) {
    let brief = rules.verbosity == .brief
    let samples =
      brief
      ? 48
      : Int(min(max(rules.chunkLength.nanoseconds, 1_000_000), 1_000_000_000) / 1_000 * 24 / 1_000)
    chunkBytes = samples * 2
    chunks = (0..<(brief ? 1 : 8)).map { Self.audio(Self.tone(samples, variant: $0)) }
  }

  func chunk(_ index: Int) -> [UInt8] { chunks[index % chunks.count] }

  /// A triangle wave; its first sample is the variant's number, so that a listener can tell order.
  private static func tone(_ samples: Int, variant: Int) -> [UInt8] {
    var pcm = [UInt8]()
    pcm.reserveCapacity(samples * 2)
    let period = 100 + variant * 4
    for index in 0..<samples {
      let phase = index % period
      let height = phase < period / 2 ? phase : period - phase
      let value = index == 0 ? Int16(variant) : Int16(truncatingIfNeeded: height * 160 - 4_000)
      pcm.append(UInt8(truncatingIfNeeded: value))
      pcm.append(UInt8(truncatingIfNeeded: value >> 8))
    }
    return pcm
  }

  private static func audio(_ pcm: [UInt8]) -> [UInt8] {
    var json = [UInt8]()
    json.raw(
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":""#
    )
    json.base64(pcm)
    json.raw(#""}}]}}}"#)
    return json
  }

  func handle(_ name: [UInt8], consumed: Int64?) -> [UInt8] {
    var json = [UInt8]()
    json.reserveCapacity(name.count + 110)
    json.raw(#"{"sessionResumptionUpdate":{"newHandle":""#)
    json += name
    json.raw(#"","resumable":true"#)
    if let consumed, consumed != 0 {
      json.raw(#","lastConsumedClientMessageIndex":""#)
      json.number(Int(consumed))
      json.raw(#"""#)
    }
    json.raw("}}")
    return json
  }

  func goAway(_ timeLeft: Duration?) -> [UInt8] {
    guard let timeLeft, timeLeft != .zero else { return Array(#"{"goAway":{}}"#.utf8) }
    return Array("{\"goAway\":{\"timeLeft\":\"\(TimeText.protobuf(timeLeft))\"}}".utf8)
  }

  func text(_ text: String) -> [UInt8] {
    wrapped(#"{"serverContent":{"modelTurn":{"parts":[{"text":"#, text, "}]}}}")
  }

  func inputTranscription(_ text: String) -> [UInt8] {
    wrapped(#"{"serverContent":{"inputTranscription":{"text":"#, text, "}}}")
  }

  func outputTranscription(_ text: String) -> [UInt8] {
    wrapped(#"{"serverContent":{"outputTranscription":{"text":"#, text, "}}}")
  }

  private func wrapped(_ head: StaticString, _ text: String, _ tail: StaticString) -> [UInt8] {
    var json = [UInt8]()
    json.reserveCapacity(head.utf8CodeUnitCount + text.utf8.count + 16)
    json.raw(head)
    json.quoted(text)
    json.raw(tail)
    return json
  }

  /// The end of a turn with its usage.
  func turnComplete(promptTokens: Int, responseTokens: Int) -> [UInt8] {
    usage(
      behind: #"{"serverContent":{"turnComplete":true},"#, promptTokens: promptTokens,
      responseTokens: responseTokens)
  }

  /// The usage of a turn; counts that are zero are left out, as protobuf JSON does.
  func usage(
    behind head: StaticString = "{", promptTokens: Int, responseTokens: Int
  ) -> [UInt8] {
    var json = [UInt8]()
    json.reserveCapacity(140)
    json.raw(head)
    json.raw(#""usageMetadata":{"#)
    if promptTokens > 0 {
      json.raw(#""promptTokenCount":"#)
      json.number(promptTokens)
      json.raw(",")
    }
    if responseTokens > 0 {
      json.raw(#""responseTokenCount":"#)
      json.number(responseTokens)
      json.raw(",")
    }
    json.raw(#""totalTokenCount":"#)
    json.number(max(1, promptTokens + responseTokens))
    json.raw("}}")
    return json
  }

  func toolCall(ids: [String], name: String, request: String) -> [UInt8] {
    var json = [UInt8]()
    json.raw(#"{"toolCall":{"functionCalls":["#)
    for (index, id) in ids.enumerated() {
      json.raw(index == 0 ? #"{"id":"# : #",{"id":"#)
      json.quoted(id)
      json.raw(#","name":"#)
      json.quoted(name)
      json.raw(#","args":{"request":"#)
      json.quoted(request)
      json.raw("}}")
    }
    json.raw("]}}")
    return json
  }

  func toolCallCancellation(ids: [String]) -> [UInt8] {
    var json = [UInt8]()
    json.raw(#"{"toolCallCancellation":{"ids":["#)
    for (index, id) in ids.enumerated() {
      if index > 0 { json.raw(",") }
      json.quoted(id)
    }
    json.raw("]}}")
    return json
  }
}
