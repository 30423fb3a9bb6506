// SPDX-License-Identifier: Apache-2.0

/// What was sent since the checkpoint of the current handle: exactly what a resume may forget.
///
/// A handle covers what was sent before a known instant; those records are struck off. Audio that
/// follows on audio shares a record once there are many, so the ledger stays small whatever is sent.
struct SentLedger: Sendable {
  struct Record: Sendable {
    var sentAt: EngineInstant
    var item: Outbox.Item
  }

  /// Beyond this many records, audio is told apart only by runs.
  private static let fineRecords = 512

  private var records = Fifo<Record>()
  /// Frames that are kept only so that they can be sent again, in bytes.
  private(set) var keptBytes = 0

  var isEmpty: Bool { records.isEmpty }

  /// Notes that `item` was sent. Media is remembered by its range only; so is text once frames of
  /// `byteLimit` bytes are kept: it can then be reported, and not sent again.
  mutating func sent(_ item: Outbox.Item, at instant: EngineInstant, byteLimit: Int) {
    var item = item
    let isMedia = item.message.kind == .audio || item.message.kind == .video
    if isMedia || keptBytes + item.message.frame.count > byteLimit { item.message.frame = [] }
    if records.count >= Self.fineRecords, joinLast(item, at: instant) { return }
    keptBytes += item.message.frame.count
    records.append(Record(sentAt: instant, item: item))
  }

  /// A handle came that names a checkpoint after `instant`.
  mutating func covered(until instant: EngineInstant) {
    while let first = records.first, first.sentAt < instant {
      keptBytes -= first.item.message.frame.count
      _ = records.popFirst()
    }
  }

  /// Gives up all that is not covered, oldest first.
  mutating func takeUncovered() -> [Outbox.Item] {
    let items = records.elements.map(\.item)
    records = Fifo()
    keptBytes = 0
    return items
  }

  private mutating func joinLast(_ item: Outbox.Item, at instant: EngineInstant) -> Bool {
    guard item.message.kind == .audio, let range = item.audio, let last = records.last,
      last.item.message.kind == .audio, let earlier = last.item.audio,
      earlier.upperBound == range.lowerBound
    else { return false }
    var joined = last
    joined.sentAt = instant
    joined.item.audio = earlier.lowerBound..<range.upperBound
    joined.item.message.mediaBytes += item.message.mediaBytes
    records.last = joined
    return true
  }
}
