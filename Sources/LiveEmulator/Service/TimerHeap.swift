// SPDX-License-Identifier: Apache-2.0

/// What a timer of the service is for. The owner is a connection's slot or a session's index.
enum TimerKind: UInt8, Sendable {
  // Owner: connection slot.
  case setup
  case credential
  case age
  case incident
  case idle
  case held
  // Owner: session index.
  case model
  case silence
  case checkpoint
  case life
  case release
  // Owner: index into the list of suspicions.
  case suspicion
  // Owner: token serial, low 32 bits.
  case tokenPurge
}

/// One entry of the heap: 24 bytes. Entries of the same deadline fire in the order of arming.
struct TimerEntry: Sendable {
  let deadline: Int64
  let order: UInt64
  let owner: UInt32
  let kind: TimerKind

  @inline(__always)
  static func < (lhs: Self, rhs: Self) -> Bool {
    lhs.deadline != rhs.deadline ? lhs.deadline < rhs.deadline : lhs.order < rhs.order
  }
}

/// A 4-ary heap of deadlines. Nothing is ever removed from its middle: an entry whose owner has
/// changed its mind is recognised when it fires (see ``Alarm``).
struct TimerHeap: Sendable {
  private var entries: [TimerEntry] = []
  private var pushed: UInt64 = 0

  var count: Int { entries.count }

  /// The earliest deadline in nanoseconds, or nil if nothing is armed.
  var earliest: Int64? { entries.first?.deadline }

  mutating func push(at deadline: Int64, _ kind: TimerKind, owner: UInt32) {
    pushed &+= 1
    let entry = TimerEntry(deadline: deadline, order: pushed, owner: owner, kind: kind)
    var hole = entries.count
    entries.append(entry)
    while hole > 0 {
      let parent = (hole - 1) >> 2
      guard entry < entries[parent] else { break }
      entries[hole] = entries[parent]
      hole = parent
    }
    entries[hole] = entry
  }

  /// Takes the earliest entry if it is due at `now`.
  mutating func popDue(_ now: Int64) -> TimerEntry? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    let last = entries.removeLast()
    if !entries.isEmpty { sink(last) }
    return first
  }

  /// Puts `entry` where the root was taken from.
  private mutating func sink(_ entry: TimerEntry) {
    let count = entries.count
    var hole = 0
    while true {
      let first = hole &* 4 &+ 1
      guard first < count else { break }
      var least = first
      for child in (first &+ 1)..<max(first &+ 1, min(first &+ 4, count))
      where entries[child] < entries[least] {
        least = child
      }
      guard entries[least] < entry else { break }
      entries[hole] = entries[least]
      hole = least
    }
    entries[hole] = entry
  }
}

/// A deadline of one owner that may move freely while at most one live entry of it is in the heap.
///
/// Moving it later costs nothing: the armed entry fires early, sees that it is not due, and is armed
/// again. Only moving it earlier pushes a second entry, and the first is then stale.
struct Alarm: Sendable {
  private(set) var due = Int64.max
  private var armed = Int64.max

  var isSet: Bool { due != .max }

  mutating func cancel() { due = .max }

  mutating func set(
    _ deadline: Int64, _ kind: TimerKind, owner: UInt32, in heap: inout TimerHeap
  ) {
    due = deadline
    if deadline < armed {
      armed = deadline
      heap.push(at: deadline, kind, owner: owner)
    }
  }

  /// Tells whether an entry that fired means this alarm now; arms it again if it was moved.
  mutating func fires(_ entry: TimerEntry, in heap: inout TimerHeap) -> Bool {
    guard entry.deadline == armed else { return false }
    armed = .max
    guard due > entry.deadline else {
      due = .max
      return true
    }
    if due != .max {
      armed = due
      heap.push(at: due, entry.kind, owner: entry.owner)
    }
    return false
  }
}
