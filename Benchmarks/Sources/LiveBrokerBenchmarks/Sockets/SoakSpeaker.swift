// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// What the application of one session did and heard.
struct Spoken: Sendable {
  var id = ""
  var audio = StreamDigest()
  var texts = 0
  var answersHeard = 0
  var answeredProbe = false
}

/// The application of one session: it speaks two seconds of every five, types now and then, listens,
/// and asks at the end whether anybody is still there.
struct SoakSpeaker: Sendable {
  let index: Int
  let session: LiveSession
  let begin: ContinuousClock.Instant
  let end: ContinuousClock.Instant

  private static let chunkLength = Duration.milliseconds(100)
  private static let chunkBytes = 3_200
  private static let period = Duration.seconds(5)
  private static let chunksInSpeech = 20
  private static let probe = "probe"
  private static let patience = Duration.seconds(20)

  func run() async throws -> Spoken {
    try await withThrowingTaskGroup(of: Int?.self) { group in
      group.addTask { try await listen() }
      var spoken = try await speak()
      try await session.send(text: "\(Self.probe) \(index)")
      spoken.texts += 1
      group.addTask {
        try await Task.sleep(for: Self.patience)
        return nil
      }
      if let answers = try await group.next() ?? nil {
        spoken.answeredProbe = true
        spoken.answersHeard = answers
      }
      group.cancelAll()
      return spoken
    }
  }

  /// Each session's speech is its own, so that nobody's can pass for another's.
  private func speak() async throws -> Spoken {
    var spoken = Spoken()
    spoken.id = session.id
    var noise = UInt64(index &+ 1) &* 0x9E37_79B9_7F4A_7C15
    var start = begin + Self.period * (Double(index % 997) / 997)
    var speeches = 0
    while start < end {
      for chunk in 0..<Self.chunksInSpeech {
        try await Task.sleep(until: start + Self.chunkLength * chunk, clock: .continuous)
        let bytes = Self.chunk(&noise)
        spoken.audio.update(bytes)
        try await session.send(audio: bytes)
      }
      speeches += 1
      if speeches.isMultiple(of: 3) {
        try await Task.sleep(until: start + .milliseconds(3_500), clock: .continuous)
        try await session.send(text: "turn \(speeches) of session \(index)")
        spoken.texts += 1
      }
      start += Self.period
    }
    try await Task.sleep(until: end, clock: .continuous)
    return spoken
  }

  private static func chunk(_ noise: inout UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: chunkBytes) { output, count in
      let output = UnsafeMutableRawBufferPointer(output)
      for place in stride(from: 0, to: chunkBytes, by: 8) {
        noise ^= noise << 13
        noise ^= noise >> 7
        noise ^= noise << 17
        output.storeBytes(of: noise, toByteOffset: place, as: UInt64.self)
      }
      count = chunkBytes
    }
  }

  /// Ends when the probe is answered; gives the number of turns heard, or nil if the session ended.
  private func listen() async throws -> Int? {
    var answer = ""
    var turns = 0
    for try await message in session.messages {
      guard let content = message.serverContent else { continue }
      for part in content.modelTurn?.parts ?? [] { answer += part.text ?? "" }
      answer += content.outputTranscription?.text ?? ""
      guard content.turnComplete else { continue }
      if answer.hasPrefix("probe-ok") { return turns }
      turns += 1
      answer = ""
    }
    return nil
  }
}
#endif
