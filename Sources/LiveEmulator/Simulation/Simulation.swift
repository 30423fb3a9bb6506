// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// A whole world on one thread: a virtual clock, seeded executors, and nothing that waits for real.
///
/// Everything that runs under ``run(limit:_:)`` — tasks, task groups, default actors, streams, and
/// actors pinned to the runtime's executors — runs in an order that follows from the seed alone.
/// Work that leaves the simulation (a task without the executor preference, a real timer) is not
/// seen by it.
public final class Simulation: Sendable {
  /// The seed from which all chance in this simulation is drawn.
  public let seed: UInt64
  /// The virtual clock.
  public let clock: SimulatedClock
  /// A runtime for one broker: this simulation's clock, its shards and its control executor.
  public let runtime: BrokerRuntime

  let core: SimulationCore
  private let taskExecutor: SimulatedTaskExecutor
  /// Kept here, since the core knows executors only by reference.
  private let executors: Mutex<[SimulatedExecutor]>
  private let partSeeds: Mutex<SplitMix64>

  /// Makes a simulation at virtual time zero.
  ///
  /// - Parameters:
  ///   - seed: Equal seeds give equal runs.
  ///   - shards: Number of shard executors of ``runtime``; at least one.
  ///   - interleave: Whether the seed also picks among jobs that are ready, to hunt races. Such a
  ///     run replays within one build; without it, it replays in debug and release builds alike.
  public init(seed: UInt64, shards: Int = 2, interleave: Bool = false) {
    var random = SplitMix64(seed: seed)
    let core = SimulationCore(seed: random.next(), interleave: interleave)
    let made = Self.makeExecutors(core, shards: shards)
    self.seed = seed
    self.core = core
    clock = SimulatedClock(core: core)
    taskExecutor = SimulatedTaskExecutor(core: core)
    runtime = BrokerRuntime(
      clock: clock, shardExecutors: Array(made.dropLast()), controlExecutor: made[made.count - 1],
      seed: random.next())
    executors = Mutex(made)
    partSeeds = Mutex(random)
  }

  deinit { core.discard() }

  /// A further runtime in the same world: executors and a seed of its own, the same clock. For a
  /// second broker, or for one that is started again after the first was stopped.
  public func makeRuntime(shards: Int = 2) -> BrokerRuntime {
    let made = Self.makeExecutors(core, shards: shards)
    executors.withLock { $0 += made }
    return BrokerRuntime(
      clock: clock, shardExecutors: Array(made.dropLast()), controlExecutor: made[made.count - 1],
      seed: makeSeed())
  }

  /// A seed for a part of this world.
  func makeSeed() -> UInt64 { partSeeds.withLock { $0.next() } }

  private static func makeExecutors(_ core: SimulationCore, shards: Int) -> [SimulatedExecutor] {
    (0...max(shards, 1)).map { _ in SimulatedExecutor(core: core) }
  }

  /// Runs `body` as a task of this simulation, in virtual time, on the calling thread; comes back
  /// when `body` has returned.
  ///
  /// It may be called again: time goes on from where it stood, and so does what was left running.
  /// It must not be called from within itself, nor from two threads at a time.
  ///
  /// - Parameter limit: How much virtual time may pass before giving up; nil for no limit.
  /// - Throws: What `body` throws, or ``SimulationStalled`` if it can never return. A stalled body
  ///   is cancelled, and what its cancellation made ready has run.
  public func run<T: Sendable>(
    limit: Duration? = nil, _ body: @escaping @Sendable () async throws -> T
  ) throws -> T {
    let outcome = Outcome<T>()
    // The only unstructured task of the package: the root of everything in this run.
    let root = Task(executorPreference: taskExecutor) {
      do { outcome.set(.success(try await body())) } catch { outcome.set(.failure(error)) }
    }
    let deadline = limit.map { clock.now.advanced(by: $0).nanoseconds } ?? .max
    let ending = drive(limit: deadline) { outcome.isSet }
    if let result = outcome.take() { return try result.get() }
    let stall = stalled(ending == .limitReached ? .limitReached : .nothingLeft)
    root.cancel()
    _ = drive(limit: clock.now.nanoseconds) { outcome.isSet }
    throw stall
  }

  private func drive(limit: Int64, until finished: () -> Bool) -> SimulationCore.Ending {
    withExtendedLifetime(taskExecutor) {
      core.run(on: taskExecutor.asUnownedTaskExecutor(), limit: limit, until: finished)
    }
  }

  private func stalled(_ reason: SimulationStalled.Reason) -> SimulationStalled {
    let counts = core.counts
    return SimulationStalled(
      reason: reason, instant: clock.now, jobsRun: counts.jobs, timersFired: counts.fired,
      timersWaiting: counts.timers, seed: seed)
  }

  /// Timers and sleepers that wait for their time.
  public var timersWaiting: Int { core.counts.timers }

  /// Jobs and bodies run, and timers fired, since the simulation was made.
  public var eventCount: UInt64 {
    let counts = core.counts
    return counts.jobs &+ counts.fired
  }
}

/// Where the root task leaves its result.
private final class Outcome<T: Sendable>: Sendable {
  private let flag = Atomic<Bool>(false)
  private let result = Mutex<Result<T, any Error>?>(nil)

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set(_ value: Result<T, any Error>) {
    result.withLock { $0 = value }
    flag.store(true, ordering: .releasing)
  }

  func take() -> Result<T, any Error>? { result.withLock { $0.take() } }
}
