// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The tasks in which a shard's dials wait for the network.
///
/// A task that has dialled waits a while for another dial: then that needs no new task, nor does the
/// shard's own task have to be woken to start one. Only a few wait; the rest end, since after a storm
/// each would keep its two kilobytes for nothing.
final class DialTasks: Sendable {
  private struct State {
    var waiting: [UnsafeContinuation<ShardDial?, Never>] = []
    var isOpen = false
  }

  private static let mostWaiting = 8
  private let state = Mutex(State())

  /// Begins a run.
  func open() { state.withLock { $0.isOpen = true } }

  /// Ends a run: no task waits any more.
  func close() {
    let waiting = state.withLock { state in
      state.isOpen = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for task in waiting { task.resume(returning: nil) }
  }

  /// Gives a dial to a task that waits; false if there is none.
  func take(_ dial: ShardDial) -> Bool {
    guard let task = state.withLock({ $0.waiting.popLast() }) else { return false }
    task.resume(returning: dial)
    return true
  }

  /// What a new task does: this dial, and others as they come.
  func serve(_ first: ShardDial) async {
    Census.taskBegan()
    defer { Census.taskEnded() }
    var next: ShardDial? = first
    while let dial = next {
      await dial.perform()
      next = await nextDial()
    }
  }

  private func nextDial() async -> ShardDial? {
    await withUnsafeContinuation { task in
      let waits = state.withLock { state in
        guard state.isOpen, state.waiting.count < Self.mostWaiting else { return false }
        state.waiting.append(task)
        return true
      }
      if !waits { task.resume(returning: nil) }
    }
  }
}
