// SPDX-License-Identifier: Apache-2.0

/// What a session has accepted and not yet sent: while there is no connection, while a planned move
/// holds it, or while the socket takes no more.
///
/// Bounded by the sender's side (``SessionPort``) for what is never dropped, and here for media.
struct Outbox: Sendable {
  struct Item: Sendable {
    var message: PreparedMessage
    var acceptedAt: EngineInstant
    /// Place in the session's audio stream.
    var audio: Range<Int>?
  }

  /// Tool responses: before everything else.
  private var responses = Fifo<Item>()
  private var items = Fifo<Item>()
  private(set) var bytes = 0

  var isEmpty: Bool { responses.isEmpty && items.isEmpty }

  /// Adds a message. Returns what had to go for it.
  mutating func append(_ item: Item, byteLimit: Int) -> [Item] {
    bytes += item.message.frame.count
    if item.message.kind == .toolResponse {
      responses.append(item)
      return []
    }
    var dropped: [Item] = []
    if item.message.kind == .video {
      dropped = items.removeAll { $0.message.kind == .video }
    }
    items.append(item)
    if bytes - size(of: dropped) > byteLimit {
      dropped += dropOldestAudio(excess: bytes - size(of: dropped) - byteLimit)
    }
    bytes -= size(of: dropped)
    return dropped
  }

  /// Takes the next message to send.
  mutating func popFirst() -> Item? {
    guard let item = responses.popFirst() ?? items.popFirst() else { return nil }
    bytes -= item.message.frame.count
    return item
  }

  /// Puts messages that were sent before, and may not have been heard, before all others.
  mutating func prepend(_ again: [Item]) {
    bytes += size(of: again)
    items.prepend(contentsOf: again)
  }

  /// Removes audio that was accepted before `limit`.
  mutating func dropAudio(olderThan limit: EngineInstant) -> [Item] {
    let dropped = items.removeAll { $0.message.kind == .audio && $0.acceptedAt < limit }
    bytes -= size(of: dropped)
    return dropped
  }

  /// Removes all media, since some of it is what the service refused.
  mutating func dropMedia() -> [Item] {
    let dropped = items.removeAll { $0.message.kind == .audio || $0.message.kind == .video }
    bytes -= size(of: dropped)
    return dropped
  }

  /// Takes the tool responses that were not sent before their connection ended.
  mutating func takeResponses() -> [Item] {
    let taken = responses.elements
    responses = Fifo()
    bytes -= size(of: taken)
    return taken
  }

  /// When the message that waits longest was accepted.
  var oldest: EngineInstant? {
    [responses.first?.acceptedAt, items.first?.acceptedAt].compactMap { $0 }.min()
  }

  private mutating func dropOldestAudio(excess: Int) -> [Item] {
    var left = excess
    return items.removeAll { item in
      guard left > 0, item.message.kind == .audio else { return false }
      left -= item.message.frame.count
      return true
    }
  }

  private func size(of items: [Item]) -> Int {
    items.reduce(0) { $0 + $1.message.frame.count }
  }
}
