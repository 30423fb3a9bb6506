// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How much of the engine is alive in this process, over all its brokers.
///
/// Counted where each thing begins and ends, so that it can be seen that nothing outlives a broker's
/// run: once the last ``Broker/run()`` has returned, all of it is zero. The parts that a ``Broker``
/// has as long as it exists, such as its shards, are not counted.
public struct EngineCensus: Sendable, Hashable {
  /// Actors of sessions, of their tokens and of their handles.
  public var actors: Int
  /// Tasks that run in brokers' task groups: their parts, dials, mints, writes to stores.
  public var tasks: Int

  /// What is alive now. Callable from anywhere; the two numbers are read one after the other.
  public static var now: EngineCensus {
    EngineCensus(
      actors: Census.actors.load(ordering: .relaxed), tasks: Census.tasks.load(ordering: .relaxed))
  }
}

/// The counters of the ``EngineCensus``.
enum Census {
  fileprivate static let actors = Atomic(0)
  fileprivate static let tasks = Atomic(0)

  static func actorBegan() { actors.add(1, ordering: .relaxed) }
  static func actorEnded() { actors.subtract(1, ordering: .relaxed) }
  static func taskBegan() { tasks.add(1, ordering: .relaxed) }
  static func taskEnded() { tasks.subtract(1, ordering: .relaxed) }
}
