// SPDX-License-Identifier: Apache-2.0

package import LiveBroker
internal import Synchronization

/// How long somebody waits for something that should come: on which clock, woken by whom.
package struct Patience: Sendable {
  package var clock: any EngineClock
  package var executor: any ShardExecutor
  package var limit: Duration

  package init(clock: any EngineClock, executor: any ShardExecutor, limit: Duration) {
    self.clock = clock
    self.executor = executor
    self.limit = limit
  }
}

/// What happened, in order, for one reader who waits for the next with patience.
package final class Transcript<Element: Sendable>: Sendable {
  private struct State {
    var elements = Ring<Element>()
    var serial: UInt64 = 0
    var reader: UnsafeContinuation<Element?, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  /// Number of elements that nobody has taken.
  package var count: Int { state.withLock { $0.elements.count } }

  package func append(_ element: Element) {
    let reader = state.withLock { state in
      guard let reader = state.reader.take() else {
        state.elements.append(element)
        return UnsafeContinuation<Element?, Never>?.none
      }
      state.serial += 1
      return reader
    }
    reader?.resume(returning: element)
  }

  /// The next element; nil if none comes in time.
  package func next(_ patience: Patience) async -> Element? {
    await withUnsafeContinuation { continuation in
      let (ready, serial) = state.withLock { state -> (Element?, UInt64) in
        if let element = state.elements.popFirst() { return (element, 0) }
        state.reader = continuation
        return (nil, state.serial)
      }
      if let ready { return continuation.resume(returning: ready) }
      let deadline = patience.clock.now.advanced(by: patience.limit)
      patience.executor.schedule(at: deadline) { self.giveUp(serial) }
    }
  }

  private func giveUp(_ serial: UInt64) {
    let reader = state.withLock { state -> UnsafeContinuation<Element?, Never>? in
      guard state.serial == serial else { return nil }
      state.serial += 1
      return state.reader.take()
    }
    reader?.resume(returning: nil)
  }
}
