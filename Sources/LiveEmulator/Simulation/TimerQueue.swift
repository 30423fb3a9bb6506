// SPDX-License-Identifier: Apache-2.0

/// A parked sleeper, by which it can be cancelled. Never used twice.
struct SleeperID: Sendable {
  fileprivate var slot: UInt32
  fileprivate var sequence: UInt64
}

/// The timers of a simulation: a heap of four children a node, ordered by instant, then by a tie
/// key, then by order of scheduling.
///
/// A cancelled timer stays in the heap as a tombstone until it comes up or until tombstones are the
/// majority, when all are swept out at once: cancelling costs a constant on average, and what is
/// cancelled never holds more memory than what is not.
struct TimerQueue {
  enum Fired {
    case sleeper(UnsafeContinuation<Bool, Never>)
    case body(@Sendable () -> Void, Lane)
  }

  private struct Entry {
    var instant: Int64
    var sequence: UInt64
    var tie: UInt32
    var slot: UInt32

    @inline(__always)
    static func < (lhs: Entry, rhs: Entry) -> Bool {
      if lhs.instant != rhs.instant { return lhs.instant < rhs.instant }
      if lhs.tie != rhs.tie { return lhs.tie < rhs.tie }
      return lhs.sequence < rhs.sequence
    }
  }

  private enum Payload {
    case free
    case reserved
    case cancelledEarly
    case tombstone
    case sleeper(UnsafeContinuation<Bool, Never>)
    case body(@Sendable () -> Void, Lane)
  }

  private struct Slot {
    var sequence: UInt64
    var payload: Payload
  }

  private let seed: UInt64
  private var heap: [Entry] = []
  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  private var nextSequence: UInt64 = 0
  private var tombstones = 0

  /// - Parameter seed: Decides between different owners at one instant.
  init(seed: UInt64) { self.seed = seed }

  /// Timers that are waiting; cancelled ones not counted.
  var count: Int { heap.count - tombstones }

  /// Slots in use or kept for reuse; for tests of what cancelling leaves behind.
  var capacityInUse: Int { slots.count - freeSlots.count }

  // MARK: Adding

  /// Adds a body to run in `lane` at `instant`. Bodies of one lane at one instant keep their order;
  /// those of different lanes are ordered by the seed.
  mutating func add(_ body: @escaping @Sendable () -> Void, _ lane: Lane, at instant: Int64) {
    let slot = takeSlot(.body(body, lane))
    push(instant, slot, owner: UInt64(truncatingIfNeeded: lane.index))
  }

  /// Reserves the place of a sleeper before its continuation exists, so that a cancellation that
  /// comes first is not lost.
  mutating func reserveSleeper() -> SleeperID {
    let slot = takeSlot(.reserved)
    return SleeperID(slot: slot, sequence: slots[Int(slot)].sequence)
  }

  /// Parks a sleeper in its place; false if it has been cancelled already and must not wait.
  mutating func park(
    _ id: SleeperID, until instant: Int64, _ continuation: UnsafeContinuation<Bool, Never>
  ) -> Bool {
    guard case .reserved = slots[Int(id.slot)].payload else {
      release(id.slot)
      return false
    }
    slots[Int(id.slot)].payload = .sleeper(continuation)
    push(instant, id.slot, owner: ~id.sequence)
    return true
  }

  /// Cancels a sleeper: gives back its continuation if it was parked and has not fired.
  mutating func cancel(_ id: SleeperID) -> UnsafeContinuation<Bool, Never>? {
    let slot = Int(id.slot)
    guard slots[slot].sequence == id.sequence else { return nil }
    switch slots[slot].payload {
    case .reserved: slots[slot].payload = .cancelledEarly
    case .sleeper(let continuation):
      slots[slot].payload = .tombstone
      tombstones += 1
      sweepIfWorthwhile()
      return continuation
    case .free, .cancelledEarly, .tombstone, .body: break
    }
    return nil
  }

  // MARK: Taking

  /// The instant of the earliest timer, if there is one.
  mutating func nextInstant() -> Int64? {
    dropTombstones()
    return heap.first?.instant
  }

  /// Takes the earliest timer out.
  mutating func popNext() -> Fired? {
    dropTombstones()
    guard let first = heap.first else { return nil }
    removeRoot()
    defer { release(first.slot) }
    switch slots[Int(first.slot)].payload {
    case .sleeper(let continuation): return .sleeper(continuation)
    case .body(let body, let lane): return .body(body, lane)
    case .free, .reserved, .cancelledEarly, .tombstone: return nil
    }
  }

  /// Takes out all bodies of a lane, so that the caller can release them outside of any lock.
  mutating func removeBodies(of lane: Lane) -> [@Sendable () -> Void] {
    var removed: [@Sendable () -> Void] = []
    for entry in heap {
      guard case .body(let body, lane) = slots[Int(entry.slot)].payload else { continue }
      removed.append(body)
      slots[Int(entry.slot)].payload = .tombstone
      tombstones += 1
    }
    sweepIfWorthwhile()
    return removed
  }

  // MARK: Slots

  private mutating func takeSlot(_ payload: consuming Payload) -> UInt32 {
    nextSequence &+= 1
    let slot = Slot(sequence: nextSequence, payload: payload)
    if let index = freeSlots.popLast() {
      slots[Int(index)] = slot
      return index
    }
    slots.append(slot)
    return UInt32(truncatingIfNeeded: slots.count - 1)
  }

  private mutating func release(_ slot: UInt32) {
    slots[Int(slot)] = Slot(sequence: 0, payload: .free)
    freeSlots.append(slot)
  }

  // MARK: Heap

  private mutating func push(_ instant: Int64, _ slot: UInt32, owner: UInt64) {
    let sequence = slots[Int(slot)].sequence
    let entry = Entry(
      instant: instant, sequence: sequence, tie: tieKey(owner, instant), slot: slot)
    heap.append(entry)
    siftUp(from: heap.count - 1)
  }

  /// Equal for one owner at one instant, and otherwise as good as random.
  private func tieKey(_ owner: UInt64, _ instant: Int64) -> UInt32 {
    var z = seed &+ owner &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(bitPattern: instant)
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: z >> 32)
  }

  private mutating func siftUp(from start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      var index = start
      let entry = heap[index]
      while index > 0 {
        let parent = (index &- 1) >> 2
        guard entry < heap[parent] else { break }
        heap[index] = heap[parent]
        index = parent
      }
      heap[index] = entry
    }
  }

  private mutating func siftDown(from start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      var index = start
      let entry = heap[index]
      while true {
        let first = index &* 4 &+ 1
        guard first < heap.count else { break }
        var least = first
        for child in (first &+ 1)..<max(first &+ 1, min(first &+ 4, heap.count))
        where heap[child] < heap[least] { least = child }
        guard heap[least] < entry else { break }
        heap[index] = heap[least]
        index = least
      }
      heap[index] = entry
    }
  }

  private mutating func removeRoot() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown(from: 0)
  }

  private mutating func dropTombstones() {
    while tombstones > 0, let first = heap.first, isTombstone(first) {
      removeRoot()
      release(first.slot)
      tombstones -= 1
    }
  }

  private func isTombstone(_ entry: Entry) -> Bool {
    if case .tombstone = slots[Int(entry.slot)].payload { return true }
    return false
  }

  private mutating func sweepIfWorthwhile() {
    guard tombstones > 32, tombstones * 2 > heap.count else { return }
    var kept: [Entry] = []
    kept.reserveCapacity(heap.count - tombstones)
    for entry in heap {
      if isTombstone(entry) { release(entry.slot) } else { kept.append(entry) }
    }
    heap = kept
    tombstones = 0
    for index in stride(from: (heap.count - 2) / 4, through: 0, by: -1) where heap.count > 1 {
      siftDown(from: index)
    }
  }
}
