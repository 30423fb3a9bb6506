// SPDX-License-Identifier: Apache-2.0

/// What was sent and is not yet known to be consumed, where the service counts messages
/// (`lastConsumedClientMessageIndex`; Vertex only).
///
/// The service counts per connection: the setup is 0, the first message after it 1. On a new
/// connection everything in the window is sent again, in order and before anything new, and so gets
/// the numbers 1, 2, 3, ... there.
///
/// | told                                   | does                                                   |
/// |----------------------------------------|--------------------------------------------------------|
/// | `sent`                                 | joins at the end with the next number; while messages are being sent again it joins unsent |
/// | `connectionReplaced`                   | all become unsent; numbers begin at 1                  |
/// | `nextToResend`                         | the oldest unsent becomes sent                         |
/// | `consumed`, of another connection      | nothing, counted as stale                              |
/// | `consumed`, lower than before          | nothing, counted as stale                              |
/// | `consumed`, the same as before         | nothing: updates repeat it                             |
/// | `consumed`, up to the last one sent    | those leave; indexes that were lost do not matter      |
/// | `consumed`, beyond the last one sent   | nothing, counted as beyond: the two sides disagree in counting, and the word of one who miscounts is no reason to forget |
///
/// It is bounded in bytes. What does not fit pushes the oldest out, counted: those cannot be sent
/// again and have to be reported by the owner.
package struct TransparentWindow<Message: Sendable>: Sendable {
  private struct Entry: Sendable {
    let message: Message
    let bytes: Int
    let sentAt: EngineInstant
  }

  /// From `head` on; the emptied front is cut off now and then.
  private var entries: [Entry?] = []
  private var head = 0
  /// Of the entries, how many have been sent on this connection.
  private var sentHere = 0
  /// The number on this connection of the message before the oldest entry.
  private var consumedIndex: Int64 = 0
  private var generation: UInt32
  private let limit: Int

  /// Bytes in the window.
  package private(set) var bytes = 0
  /// Messages pushed out because the window was full or they were too old.
  package private(set) var dropped = 0
  /// Their bytes.
  package private(set) var droppedBytes = 0
  /// Indexes that came late or from another connection.
  package private(set) var stale = 0
  /// Indexes that lay beyond what was sent.
  package private(set) var beyond = 0

  package init(limit: Int, generation: UInt32) {
    self.limit = max(0, limit)
    self.generation = generation
  }

  /// Messages in the window.
  package var count: Int { entries.count - head }
  /// Whether messages of an earlier connection still have to be sent on this one.
  package var isResending: Bool { sentHere < count }
  /// The number of the newest message sent on this connection.
  package var lastIndex: Int64 { consumedIndex + Int64(sentHere) }

  /// A message goes out on this connection.
  ///
  /// - Returns: its number; nil if messages of an earlier connection have to go before it: then it
  ///   is not to be sent now, and comes out of ``nextToResend()`` in its turn.
  package mutating func sent(_ message: Message, bytes: Int, at now: EngineInstant) -> Int64? {
    let resending = isResending
    entries.append(Entry(message: message, bytes: max(0, bytes), sentAt: now))
    self.bytes += max(0, bytes)
    if !resending { sentHere += 1 }
    let index = resending ? nil : lastIndex
    while self.bytes > limit, count > 0 { dropOldest() }
    return index
  }

  /// The service says that it has consumed everything up to `index` on the connection `generation`.
  ///
  /// - Returns: how many messages left the window.
  @discardableResult
  package mutating func consumed(upTo index: Int64, generation: UInt32) -> Int {
    guard generation == self.generation, index >= consumedIndex else {
      stale += 1
      return 0
    }
    guard index <= lastIndex else {
      beyond += 1
      return 0
    }
    let leaving = Int(index - consumedIndex)
    for _ in 0..<leaving { _ = removeOldest() }
    return leaving
  }

  /// Another connection has taken over: everything in the window has to be sent again on it.
  package mutating func connectionReplaced(generation: UInt32) {
    self.generation = generation
    consumedIndex = 0
    sentHere = 0
  }

  /// The next message to send again, in order; nil if that is done.
  package mutating func nextToResend() -> Message? {
    guard isResending, let entry = entries[head + sentHere] else { return nil }
    sentHere += 1
    return entry.message
  }

  /// Gives up what was sent before `instant`.
  package mutating func drop(sentBefore instant: EngineInstant) {
    while count > 0, let oldest = entries[head], oldest.sentAt < instant { dropOldest() }
  }

  private mutating func dropOldest() {
    droppedBytes += removeOldest()
    dropped += 1
  }

  /// - Returns: its bytes.
  private mutating func removeOldest() -> Int {
    guard let oldest = entries[head] else { return 0 }
    entries[head] = nil
    head += 1
    bytes -= oldest.bytes
    // An unsent message has no number on this connection, so its going moves none.
    if sentHere > 0 {
      sentHere -= 1
      consumedIndex += 1
    }
    if head > 64, head > entries.count / 2 {
      entries.removeFirst(head)
      head = 0
    }
    return oldest.bytes
  }
}
