// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// One piece of work that could run now.
enum Work {
  case job(UnownedJob)
  case body(@Sendable () -> Void)
}

/// Which executor a piece of work belongs to: the task executor, or one of the serial executors.
struct Lane: Equatable, Sendable {
  var index: Int
  /// The simulation's task executor: whatever is not pinned to a serial executor.
  static let shared = Lane(index: 0)
}

/// The work that could run now, in the order in which it will.
///
/// By default that is first in, first out over everything. When interleaving, the generator picks:
/// any of the work that is not pinned, or the oldest of one serial executor. Work of one serial
/// executor keeps its order in both modes, since that is what a serial executor promises.
struct ReadyQueue {
  struct Item {
    var work: Work
    var lane: Lane
  }

  private let interleave: Bool
  private var queue = Ring<Item>(capacity: 1024)
  private var unpinned: [Item] = []
  private var pinned: [Ring<Item>] = []
  private(set) var count = 0

  init(interleave: Bool) { self.interleave = interleave }

  mutating func addLane() { pinned.append(Ring()) }

  mutating func append(_ work: consuming Work, _ lane: Lane) {
    count &+= 1
    let item = Item(work: work, lane: lane)
    if !interleave {
      queue.append(item)
    } else if lane == .shared {
      unpinned.append(item)
    } else {
      pinned[lane.index - 1].append(item)
    }
  }

  mutating func popNext(using random: inout SplitMix64) -> Item? {
    guard count > 0 else { return nil }
    count &-= 1
    return interleave ? pick(using: &random) : queue.popFirst()
  }

  private mutating func pick(using random: inout SplitMix64) -> Item? {
    var choice = Int.random(in: 0...count, using: &random)
    if choice < unpinned.count {
      unpinned.swapAt(choice, unpinned.count - 1)
      return unpinned.removeLast()
    }
    choice -= unpinned.count
    for index in pinned.indices {
      if choice < pinned[index].count { return pinned[index].popFirst() }
      choice -= pinned[index].count
    }
    return nil
  }

  /// Takes everything out, so that the caller can release it outside of any lock.
  mutating func removeAll() -> ReadyQueue {
    var rest = ReadyQueue(interleave: interleave)
    for _ in pinned { rest.addLane() }
    swap(&self, &rest)
    return rest
  }
}
