// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Asks many tasks to come to their end, once. Unlike a cancellation it lets them finish what they
/// are at.
final class StopSwitch: Sendable {
  private struct State {
    var isOn = false
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var lastWaiter: UInt64 = 0
  }

  private let state = Mutex(State())

  var isOn: Bool { state.withLock { $0.isOn } }

  func turnOn() {
    let waiters = state.withLock { state in
      state.isOn = true
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when the switch is on, or the task is cancelled.
  func wait() async {
    let id = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let waits = state.withLock { state in
          guard !state.isOn, !Task.isCancelled else { return false }
          state.waiters[id] = continuation
          return true
        }
        if !waits { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }
}

/// Lets `body` run until it ends or the switch is on; then it is cancelled, and the result is nil.
/// Without a switch it simply runs.
func unlessStopped<Result: Sendable>(
  _ stop: StopSwitch?, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result? {
  guard let stop else { return try await body() }
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      await stop.wait()
      return nil
    }
    defer { group.cancelAll() }
    do {
      return try await group.next() ?? nil
    } catch  where stop.isOn {
      // What the stop itself brings about is no failure of the body.
      return nil
    }
  }
}
