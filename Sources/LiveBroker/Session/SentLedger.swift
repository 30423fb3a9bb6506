// SPDX-License-Identifier: Apache-2.0

/// What was sent since the checkpoint of the current handle: exactly what a resume may forget.
///
/// Messages are numbered on their connection, from 1. A handle covers those up to a number
/// (``ArrivalProof``); their records are struck off.
///
/// It stays small whatever is sent and however long no handle comes:
///
/// | bound                       | beyond it                                                          |
/// |-----------------------------|--------------------------------------------------------------------|
/// | 512 records                 | audio that follows on audio joins its record: nothing is lost by it |
/// | bytes of frames kept        | a message is noted without its frame: reported, not sent again      |
/// | records in all              | a message is only added up: reported, not sent again                |
struct SentLedger: Sendable {
  struct Limits {
    /// Bytes of frames that are kept for sending them again.
    var bytes: Int
    var records: Int
  }

  enum Entry: Sendable {
    case item(Outbox.Item)
    /// Messages that are only added up.
    indirect case sum(Losses)

    var frameBytes: Int {
      if case .item(let item) = self { item.message.frame.count } else { 0 }
    }

    /// Messages in it that would be sent again if their frames were kept.
    var unkept: Int {
      switch self {
      case .sum(let losses): losses.textMessages + losses.activityMarks
      case .item(let item):
        switch item.message.kind {
        case .text, .activity: item.message.frame.isEmpty ? 1 : 0
        case .audio, .video, .toolResponse: 0
        }
      }
    }
  }

  private struct Record: Sendable {
    /// Number of the newest message in it.
    var number: UInt32
    var entry: Entry
  }

  /// Beyond this many records, audio is told apart only by runs.
  private static let fineRecords = 512

  private var records = Fifo<Record>()
  /// Frames that are kept only so that they can be sent again, in bytes.
  private(set) var keptBytes = 0

  var isEmpty: Bool { records.isEmpty }
  /// Records in it.
  var count: Int { records.count }

  /// Notes that `item` was sent. Media is remembered by its range only.
  ///
  /// - Returns: how many messages a limit keeps from being sent again: this one, and the one before it.
  mutating func sent(_ item: Outbox.Item, number: UInt32, limits: Limits) -> Int {
    var item = item
    var unkept = 0
    switch item.message.kind {
    case .audio, .video, .toolResponse:
      item.message.frame = []
    case .text, .activity:
      unkept = keptBytes + item.message.frame.count <= limits.bytes ? 0 : 1
      if unkept > 0 { item.message.frame = [] }
    }
    item.message.toolResponse = nil
    if records.count >= Self.fineRecords, joinLast(item, number: number) { return 0 }
    guard records.count < max(limits.records, 1) else {
      return unkept + addToLast(item, number: number)
    }
    keptBytes += item.message.frame.count
    records.append(Record(number: number, entry: .item(item)))
    return unkept
  }

  /// A handle came that covers the messages up to this number.
  mutating func covered(upTo number: UInt32) {
    while let first = records.first, first.number <= number {
      keptBytes -= first.entry.frameBytes
      _ = records.popFirst()
    }
  }

  /// Gives up all that is not covered, oldest first.
  mutating func takeUncovered() -> [Entry] {
    let entries = records.elements.map(\.entry)
    records = Fifo()
    keptBytes = 0
    return entries
  }

  private mutating func joinLast(_ item: Outbox.Item, number: UInt32) -> Bool {
    guard item.message.kind == .audio, let range = item.audio, let last = records.last,
      case .item(var joined) = last.entry, joined.message.kind == .audio,
      let earlier = joined.audio, earlier.upperBound == range.lowerBound
    else { return false }
    joined.audio = earlier.lowerBound..<range.upperBound
    joined.message.mediaBytes += item.message.mediaBytes
    joined.message.marks.formUnion(item.message.marks)
    records.last = Record(number: number, entry: .item(joined))
    return true
  }

  /// The newest record takes the message in, as an amount. Gives the number of frames so given up.
  private mutating func addToLast(_ item: Outbox.Item, number: UInt32) -> Int {
    guard let last = records.last else { return 0 }
    var unkept = item.message.frame.isEmpty ? 0 : 1
    var sum: Losses
    switch last.entry {
    case .sum(let earlier): sum = earlier
    case .item(let earlier):
      sum = Losses()
      sum.add(earlier)
      if !earlier.message.frame.isEmpty { unkept += 1 }
      keptBytes -= earlier.message.frame.count
    }
    sum.add(item)
    records.last = Record(number: number, entry: .sum(sum))
    return unkept
  }
}
