// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The floor under the engine: one struct per session in an array, one heap of deadlines, and the
/// same instants that a planned move has. No actors, no tasks, no messages, no service.
struct BareLoop {
  /// What happens to a session between two moves, in order.
  private enum Step: UInt8, CaseIterable {
    case goAway, dial, connected, secured, upgraded, closeArrived, closeAnswered, setupArrived
    case setupAnswered, pinged, ponged, handleArrived
  }

  private struct Session {
    var step = Step.goAway
    var generation: UInt32 = 0
    var since: Int64 = 0
    var rotateAt: Int64 = 0
    var lastHeardAt: Int64 = 0
    var token: [UInt8]
    var handle: [UInt8]
    var id: [UInt8]
  }

  private var sessions: [Session] = []
  private var heap: [(deadline: Int64, session: UInt32)] = []
  private var random: SplitMix64

  init(sessions count: Int, seed: UInt64) {
    random = SplitMix64(seed: seed)
    sessions.reserveCapacity(count)
    heap.reserveCapacity(count)
    for index in 0..<count {
      sessions.append(
        Session(
          token: [UInt8](repeating: 116, count: 76), handle: [UInt8](repeating: 104, count: 100),
          id: [UInt8](repeating: 105, count: 36)))
      push(Int64(random.next() % 500_000_000), UInt32(index))
    }
  }

  /// Runs until so many moves are complete; returns their number.
  mutating func run(moves wanted: Int) -> Int {
    var moves = 0
    while moves < wanted, let (now, index) = pop() {
      if advance(Int(index), at: now) { moves += 1 }
    }
    return moves
  }

  /// Does one step and plans the next; true if it completed a move.
  private mutating func advance(_ index: Int, at now: Int64) -> Bool {
    var pause: Int64 = 25_000_000
    var isMoved = false
    switch sessions[index].step {
    case .goAway:
      pause = Int64(random.next() % 200_000_000)
      sessions[index].rotateAt = now + pause
    case .dial: sessions[index].generation += 1
    case .setupAnswered:
      sessions[index].since = now
      isMoved = true
    case .handleArrived:
      // A new handle is a new string.
      sessions[index].handle = [UInt8](repeating: UInt8(truncatingIfNeeded: now), count: 100)
      pause = 400_000_000
    default: sessions[index].lastHeardAt = now
    }
    sessions[index].step = Step(rawValue: sessions[index].step.rawValue + 1) ?? .goAway
    push(now + pause, UInt32(index))
    return isMoved
  }

  // MARK: A binary heap

  private mutating func push(_ deadline: Int64, _ session: UInt32) {
    var hole = heap.count
    heap.append((deadline, session))
    while hole > 0, heap[(hole - 1) / 2].deadline > deadline {
      heap[hole] = heap[(hole - 1) / 2]
      hole = (hole - 1) / 2
    }
    heap[hole] = (deadline, session)
  }

  private mutating func pop() -> (Int64, UInt32)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    var hole = 0
    while 2 * hole + 1 < heap.count {
      var child = 2 * hole + 1
      if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
      guard heap[child].deadline < last.deadline else { break }
      heap[hole] = heap[child]
      hole = child
    }
    heap[hole] = last
    return first
  }
}
