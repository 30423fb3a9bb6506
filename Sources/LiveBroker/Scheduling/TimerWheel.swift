// SPDX-License-Identifier: Apache-2.0

/// The timers of one shard: at most one per slot, where a slot is the index of a session.
///
/// A session has many deadlines but only the earliest can come next, so one timer each is enough:
/// the session arms it anew whenever its earliest deadline changes. That makes the wheel an array
/// of 16-byte nodes without any allocation per timer.
///
/// The wheel is hierarchical (Varghese and Lauck, 1987): eight levels of 64 buckets, the finest
/// 2^20 ns (1.05 ms) wide. A timer lies on the level of the highest digit in which its tick differs
/// from the wheel's; when the wheel reaches a bucket of a coarser level, the bucket's timers move
/// down. Arming and disarming are O(1), and a timer moves at most seven times.
///
/// Buckets only group: deadlines are kept exact, so a timer never fires early, and fires in the
/// first `advance(to:)` that reaches its deadline. All of it is deterministic.
package struct TimerWheel: Sendable {
  private struct Node {
    /// Nanoseconds of the deadline.
    var deadline: Int64 = 0
    var next = TimerWheel.none
    /// The slot before this one, or the bucket with `bucketMark` if it is the first, or `none` if
    /// the slot is not armed.
    var previous = TimerWheel.none
  }

  private struct Bucket {
    /// Never later than the earliest deadline in this bucket; exact until that one is disarmed.
    var earliest = Int64.max
    var head = TimerWheel.none
  }

  private static let tickBits: Int64 = 20
  private static let levels = 8
  private static let none = UInt32.max
  private static let bucketMark: UInt32 = 1 << 31

  private var nodes: [Node] = []
  private var buckets = [Bucket](repeating: Bucket(), count: levels * 64)
  /// For each level the set of its buckets that hold timers.
  private var occupied = [UInt64](repeating: 0, count: levels)
  /// The tick up to which the wheel has been advanced. No timer lies in a bucket before it.
  private var tick: Int64 = 0

  /// The number of armed slots.
  package private(set) var count = 0

  /// Makes a wheel with room for some slots; it grows as higher slots are armed.
  package init(slotCapacity: Int = 0) { nodes.reserveCapacity(slotCapacity) }

  /// When to advance next: never later than the earliest deadline, `nil` if nothing is armed.
  ///
  /// It is exact unless the timer that was the earliest of its bucket has been disarmed or moved.
  /// Advancing to it fires a timer or makes it later, so a loop over it always ends.
  package var nextDeadline: EngineInstant? {
    guard let bucket = firstBucket() else { return nil }
    return EngineInstant(nanoseconds: buckets[bucket].earliest)
  }

  /// The deadline of a slot, or `nil` if it is not armed.
  package func deadline(of slot: UInt32) -> EngineInstant? {
    guard isArmed(slot) else { return nil }
    return EngineInstant(nanoseconds: nodes[Int(slot)].deadline)
  }

  /// Sets the timer of a slot, replacing the one it had. A deadline that has passed is due in the
  /// next ``advance(to:into:)``; ``EngineInstant/never`` disarms.
  ///
  /// Slots are small and dense; one at or above 2^31 is a mistake of the caller.
  package mutating func arm(_ slot: UInt32, at deadline: EngineInstant) {
    precondition(slot < Self.bucketMark, "slots are indices of sessions")
    disarm(slot)
    guard deadline != .never else { return }
    if slot >= nodes.count { grow(toHold: slot) }
    nodes[Int(slot)].deadline = deadline.nanoseconds
    link(slot)
    count += 1
  }

  /// Takes the timer of a slot back; nothing happens if it has none.
  package mutating func disarm(_ slot: UInt32) {
    guard isArmed(slot) else { return }
    unlink(slot)
    count -= 1
  }

  /// Moves the wheel to `now` and appends the slots whose deadline has come, ordered by deadline
  /// and then by slot. They are no longer armed.
  package mutating func advance(to now: EngineInstant, into due: inout [UInt32]) {
    let target = max(Self.tick(of: now.nanoseconds), tick)
    while let bucket = firstBucket() {
      let level = bucket >> 6
      let start = startTick(ofBucket: bucket, level: level)
      guard start <= target else { break }
      tick = start
      if level > 0 {
        moveDown(bucket)
      } else {
        fire(bucket, now: now.nanoseconds, into: &due)
        // What remains in the bucket of the present tick is not due yet, nor is anything behind it.
        if start == target { break }
      }
    }
    tick = target
  }

  private func isArmed(_ slot: UInt32) -> Bool {
    slot < nodes.count && nodes[Int(slot)].previous != Self.none
  }

  private static func tick(of nanoseconds: Int64) -> Int64 { max(0, nanoseconds) >> tickBits }

  /// The occupied bucket with the earliest timers: those of a finer level come before all others.
  private func firstBucket() -> Int? {
    for level in 0..<Self.levels where occupied[level] != 0 {
      return level << 6 | occupied[level].trailingZeroBitCount
    }
    return nil
  }

  private func startTick(ofBucket bucket: Int, level: Int) -> Int64 {
    let shift = Int64(level * 6)
    let above = (tick >> (shift + 6)) << (shift + 6)
    return above | Int64(bucket & 63) << shift
  }

  private mutating func grow(toHold slot: UInt32) {
    let wanted = Int(slot) + 1
    if nodes.capacity < wanted { nodes.reserveCapacity(max(wanted, nodes.capacity * 2)) }
    for _ in nodes.count..<wanted { nodes.append(Node()) }
  }

  private mutating func link(_ slot: UInt32) {
    let deadline = nodes[Int(slot)].deadline
    let due = max(Self.tick(of: deadline), tick)
    let difference = UInt64(bitPattern: due ^ tick) | 63
    let level = (63 - difference.leadingZeroBitCount) / 6
    let index = Int(due >> Int64(level * 6)) & 63
    let bucket = level << 6 | index
    let head = buckets[bucket].head
    nodes[Int(slot)].next = head
    nodes[Int(slot)].previous = Self.bucketMark | UInt32(truncatingIfNeeded: bucket)
    buckets[bucket].head = slot
    if head == Self.none {
      occupied[level] |= 1 << UInt64(index)
      buckets[bucket].earliest = deadline
    } else {
      nodes[Int(head)].previous = slot
      buckets[bucket].earliest = min(buckets[bucket].earliest, deadline)
    }
  }

  private mutating func unlink(_ slot: UInt32) {
    let node = nodes[Int(slot)]
    nodes[Int(slot)].previous = Self.none
    if node.next != Self.none { nodes[Int(node.next)].previous = node.previous }
    if node.previous & Self.bucketMark == 0 {
      nodes[Int(node.previous)].next = node.next
    } else {
      let bucket = Int(node.previous & ~Self.bucketMark)
      buckets[bucket].head = node.next
      if node.next == Self.none { occupied[bucket >> 6] &= ~(1 << UInt64(bucket & 63)) }
    }
  }

  /// Empties a bucket and returns its first slot, from which `next` leads on.
  private mutating func detach(_ bucket: Int) -> UInt32 {
    let head = buckets[bucket].head
    buckets[bucket].head = Self.none
    occupied[bucket >> 6] &= ~(1 << UInt64(bucket & 63))
    return head
  }

  private mutating func moveDown(_ bucket: Int) {
    var slot = detach(bucket)
    while slot != Self.none {
      let next = nodes[Int(slot)].next
      link(slot)
      slot = next
    }
  }

  private mutating func fire(_ bucket: Int, now: Int64, into due: inout [UInt32]) {
    let first = due.count
    var slot = detach(bucket)
    while slot != Self.none {
      let next = nodes[Int(slot)].next
      if nodes[Int(slot)].deadline <= now {
        nodes[Int(slot)].previous = Self.none
        due.append(slot)
        count -= 1
      } else {
        link(slot)
      }
      slot = next
    }
    guard due.count - first > 1 else { return }
    let nodes = nodes
    due.withUnsafeMutableBufferPointer { all in
      var fired = UnsafeMutableBufferPointer(rebasing: all[first...])
      fired.sort { left, right in
        let (l, r) = (nodes[Int(left)].deadline, nodes[Int(right)].deadline)
        return l == r ? left < right : l < r
      }
    }
  }
}
