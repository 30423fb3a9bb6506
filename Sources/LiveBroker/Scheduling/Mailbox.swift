// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The inbox of a loop: an array behind a lock that is swapped out per batch, and a bell.
package final class Mailbox<Element: Sendable>: Sendable {
  private struct State {
    var posted: [Element] = []
    var bell: AsyncStream<Void>.Continuation?
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  /// Puts an element behind the others and rings if it is the first. Callable from any thread.
  @discardableResult
  package func post(_ element: Element) -> Bool {
    let (accepted, bell) = state.withLock { state -> (Bool, AsyncStream<Void>.Continuation?) in
      guard !state.isClosed else { return (false, nil) }
      state.posted.append(element)
      return (true, state.posted.count == 1 ? state.bell : nil)
    }
    bell?.yield()
    return accepted
  }

  /// Swaps everything posted so far into `batch`, whose former elements are removed.
  package func take(into batch: inout [Element]) {
    batch.removeAll(keepingCapacity: true)
    state.withLock { swap(&$0.posted, &batch) }
  }

  /// Begins a run: a new bell, which rings at once if something waits.
  package func open() -> AsyncStream<Void> {
    let (stream, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let (former, waits, closed) = state.withLock { state in
      let former = state.bell
      state.bell = state.isClosed ? nil : bell
      return (former, !state.posted.isEmpty, state.isClosed)
    }
    former?.finish()
    if waits { bell.yield() }
    if closed { bell.finish() }
    return stream
  }

  /// Rings without posting.
  package func ring() {
    let bell = state.withLock { $0.bell }
    bell?.yield()
  }

  /// Refuses further posts and ends the bell, for good.
  package func close() {
    let bell = state.withLock { state in
      state.isClosed = true
      return state.bell.take()
    }
    bell?.finish()
  }
}
