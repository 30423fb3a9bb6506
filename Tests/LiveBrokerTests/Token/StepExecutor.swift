// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// An executor that runs on the thread of the test, when the test says so, with a clock that the
/// test moves. Serial executor of the actors and, by preference, executor of their child tasks, so
/// that a test sees every step in one order.
final class StepExecutor: ShardExecutor, TaskExecutor, EngineClock {
  private struct State {
    var jobs: [UnownedJob] = []
    var alarms: [(at: EngineInstant, body: @Sendable () -> Void)] = []
    var now = second(1)
    var isRunning = false
  }

  private let state = Mutex(State())

  var now: EngineInstant { state.withLock { $0.now } }
  var wallTime: WallTime { WallTime(nanosecondsSinceEpoch: 7_000 + now.nanoseconds) }
  var isCurrent: Bool { state.withLock { $0.isRunning } }
  var alarmCount: Int { state.withLock { $0.alarms.count } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
  func checkIsolated() { precondition(isCurrent) }
  func isIsolatingCurrentContext() -> Bool? { isCurrent }

  func execute(_ body: @escaping @Sendable () -> Void) { schedule(at: .zero, body) }

  func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.alarms.append((instant, body)) }
  }

  /// Runs everything that can run now, alarms that are due included.
  func drain() {
    state.withLock { $0.isRunning = true }
    while true {
      if let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
        job.runSynchronously(
          isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
      } else if let body = dueAlarm() {
        body()
      } else {
        break
      }
    }
    state.withLock { $0.isRunning = false }
  }

  /// Lets time pass, from alarm to alarm.
  func advance(to end: EngineInstant) {
    drain()
    while let next = state.withLock({ $0.alarms.map(\.at).min() }), next <= end {
      state.withLock { $0.now = max($0.now, next) }
      drain()
    }
    state.withLock { $0.now = max($0.now, end) }
    drain()
  }

  private func dueAlarm() -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard let index = state.alarms.firstIndex(where: { $0.at <= state.now }) else { return nil }
      return state.alarms.remove(at: index).body
    }
  }
}
