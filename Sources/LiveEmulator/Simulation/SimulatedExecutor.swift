// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// A serial executor of a simulation: what an event loop is in production.
///
/// All executors of a simulation share one thread, yet each is a context of its own: it answers
/// ``isCurrent`` only while its own work runs. So an actor that is entered from the wrong shard
/// traps in a simulation as it would in production.
public final class SimulatedExecutor: ShardExecutor {
  let core: SimulationCore
  let lane: Lane

  init(core: SimulationCore) {
    self.core = core
    lane = core.makeLane()
    core.bind(asUnownedSerialExecutor())
  }

  /// Whether the caller is running in work of this executor, on the simulation's thread.
  public var isCurrent: Bool { core.isRunning(lane) }

  /// Queues a job of the Swift runtime. Callable from any thread.
  public func enqueue(_ job: consuming ExecutorJob) { core.enqueue(UnownedJob(job), lane) }

  /// Queues `body` after the work that is ready. Callable from any thread.
  public func execute(_ body: @escaping @Sendable () -> Void) { core.execute(body, lane) }

  /// Runs `body` on this executor when the virtual clock has come to `instant`. Callable from any
  /// thread. Bodies of one executor for one instant run in the order of these calls.
  public func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    core.schedule(body, lane, at: instant.nanoseconds)
  }

  /// Takes timers again after a ``stop()``.
  public func start() { core.start(lane) }

  /// Drops what is scheduled and schedules no more; what is queued or comes later still runs.
  public func stop() { core.stop(lane) }

  /// The runtime's name for this executor; equality is of the object.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// The truth about the calling context, for the runtime's isolation checks.
  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Traps unless the caller is running on this executor.
  public func checkIsolated() {
    precondition(isCurrent, "Entered from outside of this simulated executor.")
  }
}

/// The executor of all work that is not pinned to a serial executor: tasks, default actors.
final class SimulatedTaskExecutor: TaskExecutor {
  private let core: SimulationCore

  init(core: SimulationCore) { self.core = core }

  func enqueue(_ job: consuming ExecutorJob) { core.enqueue(UnownedJob(job), .shared) }
}
