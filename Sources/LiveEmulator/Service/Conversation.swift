// SPDX-License-Identifier: Apache-2.0

/// Where the scripted model stands in one session's conversation. A value without time: the service
/// moves it and arms its timers.
///
///     idle -> thinking -> answering -> held -> idle          an answer, held until it has been played
///             thinking -> calling -> thinking                a function call and its response
///             any but idle -> idle                           interrupted
struct Conversation: Sendable {
  enum Phase: UInt8, Sendable { case idle, thinking, calling, answering, held }

  /// What the model will do when it has thought.
  enum Plan: Sendable, Hashable {
    case say(String, isLong: Bool)
    case call(count: Int, request: String)
  }

  var phase = Phase.idle
  /// Whether the user is speaking.
  var isListening = false
  /// Whether a finished utterance waits for the end of the running turn.
  var hasQueuedSpeech = false
  /// Bytes of speech since the last turn began.
  var heard = 0
  /// Whether it accepts everything and never answers again (field note 24).
  var isPoisoned = false
  var plan = Plan.say("", isLong: false)
  var chunksLeft = 0
  var chunksSent = 0
  /// When the audio sent so far will have been played.
  var playedUntil: Int64 = 0
  /// Calls that wait for a response, all made on the present connection.
  var pending: [String] = []
  /// How the connection ends when a response to them comes, if it does.
  var ending: CallEnding?
  /// Calls of the present connection that were cancelled last, and when.
  var cancelled: [String] = []
  var cancelledAt = Int64.min
  /// Turns that ended.
  var turns = 0

  var isTurnRunning: Bool { phase != .idle }

  /// No call waits any more.
  mutating func forgetCalls() {
    pending = []
    ending = nil
  }

  /// A resume brings back what was remembered, and neither the running turn nor its calls.
  mutating func restart(turns: Int, heard: Int) {
    self = Conversation()
    self.turns = turns
    self.heard = heard
  }

  /// What to do about a text. `recall` is asked only if the text wants it.
  static func plan(for text: String, recall: () -> String) -> Plan {
    let words = Array(text.utf8)
    if mentions("tool", in: words) {
      return .call(count: mentions("tools", in: words) ? 2 : 1, request: echo(text))
    }
    if mentions("probe", in: words) { return .say("probe-ok \(echo(text))", isLong: false) }
    if mentions("recall", in: words) { return .say(recall(), isLong: false) }
    return .say("You said: \(echo(text))", isLong: mentions("long", in: words))
  }

  /// At most 2,000 bytes of what the user said, so that answers stay bounded.
  private static func echo(_ text: String) -> String {
    guard text.utf8.count > 2_000 else { return text }
    return String(decoding: text.utf8.prefix(2_000), as: UTF8.self)
  }

  /// Whether `word`, in lower-case ASCII, occurs in the text in lower or upper case.
  static func mentions(_ word: StaticString, in text: [UInt8]) -> Bool {
    let length = word.utf8CodeUnitCount
    guard length > 0, text.count >= length else { return false }
    let pattern = UnsafeBufferPointer(start: word.utf8Start, count: length)
    return text.withUnsafeBufferPointer { bytes in
      (0...(bytes.count - length)).contains { start in
        var index = 0
        while index < length, isSame(bytes[start + index], pattern[index]) { index += 1 }
        return index == length
      }
    }
  }

  private static func isSame(_ byte: UInt8, _ lowerCase: UInt8) -> Bool {
    byte == lowerCase
      || byte | 0x20 == lowerCase && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowerCase)
  }
}
