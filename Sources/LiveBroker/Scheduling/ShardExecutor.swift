// SPDX-License-Identifier: Apache-2.0

/// The serial executor on which one shard and all its sessions live: an event loop, a thread, or a
/// simulated one.
///
/// An executor runs one piece of work at a time: Swift jobs, what `execute` was given, and what
/// `schedule` was given. It answers ``isCurrent`` truthfully, since actors pinned to it are entered
/// synchronously on the strength of that answer.
public protocol ShardExecutor: SerialExecutor {
  /// Whether the caller is running on this executor right now.
  var isCurrent: Bool { get }

  /// Runs `body` on this executor soon, after the work already queued. Callable from any thread.
  func execute(_ body: @escaping @Sendable () -> Void)

  /// Runs `body` on this executor at `instant`, or as soon after as it can; at once if the instant
  /// has passed. Callable from any thread. What was scheduled cannot be taken back: a caller who no
  /// longer needs it ignores the call.
  func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void)

  /// Makes the executor ready to run work; called once by the broker before anything else.
  func start()

  /// Ends the executor after the work already queued. Work that arrives later still runs (on a
  /// thread of the executor's choice), so that no caller hangs; what is scheduled is dropped.
  func stop()
}

extension ShardExecutor {
  /// Does nothing: an executor that is always ready needs no more.
  public func start() {}
  /// Does nothing: for an executor that outlives its broker.
  public func stop() {}
}
