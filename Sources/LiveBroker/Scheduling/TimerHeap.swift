// SPDX-License-Identifier: Apache-2.0

/// Calls to be made at an instant, earliest first; those of one instant in the order they came.
///
/// A plain binary heap: an executor holds one or two alarms for each loop that lives on it, not the
/// timers of sessions, which have the ``TimerWheel``.
struct TimerHeap {
  private struct Entry {
    var at: EngineInstant
    var serial: UInt64
    var body: @Sendable () -> Void

    func precedes(_ other: Entry) -> Bool {
      at == other.at ? serial < other.serial : at < other.at
    }
  }

  private var entries: [Entry] = []
  private var serial: UInt64 = 0

  /// Calls that are not due yet.
  var count: Int { entries.count }

  /// When the first call is due.
  var next: EngineInstant? { entries.first?.at }

  mutating func insert(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    entries.append(Entry(at: instant, serial: serial, body: body))
    serial &+= 1
    var index = entries.count - 1
    while index > 0, case let parent = (index - 1) / 2, entries[index].precedes(entries[parent]) {
      entries.swapAt(index, parent)
      index = parent
    }
  }

  /// Takes out the first call if it is due.
  mutating func popDue(at now: EngineInstant) -> (@Sendable () -> Void)? {
    guard let first = entries.first, first.at <= now else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var index = 0
    while case let left = 2 * index + 1, left < entries.count {
      let right = left + 1
      let child =
        right < entries.count && entries[right].precedes(entries[left]) ? right : left
      guard entries[child].precedes(entries[index]) else { break }
      entries.swapAt(child, index)
      index = child
    }
    return first.body
  }

  mutating func removeAll() { entries.removeAll() }
}
