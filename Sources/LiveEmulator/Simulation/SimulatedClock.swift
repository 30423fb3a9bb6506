// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// The virtual clock of a simulation. It stands still while work runs, and jumps to the next timer
/// when nothing is ready.
public final class SimulatedClock: EngineClock {
  private let core: SimulationCore
  /// What the calendar shows when the monotonic clock shows zero.
  private let wallTimeAtZero: Atomic<Int64>

  init(core: SimulationCore) {
    self.core = core
    wallTimeAtZero = Atomic(Self.epoch)
  }

  /// 2026-01-01T00:00:00Z: a fixed date, so that spelled times are equal in every run.
  private static let epoch: Int64 = 1_767_225_600_000_000_000

  /// The calendar of the simulated world, which no host's step or skew moves.
  static func trueWallTime(at nanoseconds: Int64) -> WallTime {
    WallTime(nanosecondsSinceEpoch: epoch &+ nanoseconds)
  }

  /// The virtual time; starts at ``LiveBroker/EngineInstant/zero``. Callable from any thread.
  public var now: EngineInstant { EngineInstant(nanoseconds: core.now) }

  /// The host's calendar time: runs with ``now``, starts at 2026-01-01T00:00:00Z, and jumps when
  /// set. Nothing that waits is affected by a jump.
  public var wallTime: WallTime {
    get {
      WallTime(nanosecondsSinceEpoch: wallTimeAtZero.load(ordering: .relaxed) &+ core.now)
    }
    set {
      wallTimeAtZero.store(newValue.nanosecondsSinceEpoch &- core.now, ordering: .relaxed)
    }
  }

  /// Moves the host's calendar by `step`, forwards or backwards, as a time server does.
  public func stepWallTime(by step: Duration) { wallTime = wallTime.advanced(by: step) }

  /// Waits until the virtual clock has come to `instant`; returns at once if it has.
  ///
  /// For application code in a simulation; the engine itself never sleeps. The sleep leaves nothing
  /// behind when it is cancelled.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  public func sleep(until instant: EngineInstant) async throws(CancellationError) {
    if Task.isCancelled { throw CancellationError() }
    guard instant > now else { return }
    let id = core.reserveSleeper()
    let slept = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        core.park(id, until: instant.nanoseconds, continuation)
      }
    } onCancel: {
      core.cancel(id)
    }
    if !slept { throw CancellationError() }
  }

  /// Waits for `duration` of virtual time; returns at once if it is not positive.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  public func sleep(for duration: Duration) async throws(CancellationError) {
    try await sleep(until: now.advanced(by: duration))
  }
}
