// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The inbox of a loop: anyone posts into it from any thread, one reader takes everything at once.
///
/// Elements lie in an array behind a lock that is swapped out per batch, so an element costs a lock
/// and an append instead of a turn of an `AsyncStream`. The *bell* carries no elements: it rings when
/// the mailbox goes from empty to non-empty. Hence a reader that takes all there is whenever the
/// bell rings misses nothing.
///
/// There are two kinds of bell. A busy reader gives a call, which asks its executor for a turn; it may
/// be rung from inside the reader's own work, and must not read there:
///
/// ```swift
/// mailbox.open { executor.execute { … mailbox.take(into: &batch) … } }
/// ```
///
/// One that has a task anyway and little mail waits for a stream, which holds at most one ring:
///
/// ```swift
/// for await _ in mailbox.open() {
///   mailbox.take(into: &batch)
///   perform(batch)
/// }
/// mailbox.take(into: &batch)  // what came while the run was being cancelled
/// ```
///
/// Each run opens a bell of its own. What was posted between two runs waits for the next one.
///
/// **Bounds.** The mailbox itself refuses nothing while it is open: its size is bounded by its
/// producers. Sessions are bounded by admission, each has a bounded number of events under way
/// (one dial, one alarm per loop, coalesced writes, one open read), and whoever adds a producer
/// states its bound there. A mailbox that dropped events instead would break the state machines
/// that wait for them.
package final class Mailbox<Element: Sendable>: Sendable {
  private enum Bell {
    case call(@Sendable () -> Void)
    case stream(AsyncStream<Void>.Continuation)

    func ring() {
      switch self {
      case .call(let body): body()
      case .stream(let continuation): continuation.yield()
      }
    }

    func end() {
      if case .stream(let continuation) = self { continuation.finish() }
    }
  }

  private struct State {
    var posted: [Element] = []
    var bell: Bell?
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  /// The number of elements that wait. A snapshot: it may have changed on return.
  package var count: Int { state.withLock { $0.posted.count } }

  /// Whether ``close()`` was called.
  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Puts an element behind those posted before, and rings if it is the first. Callable from any
  /// thread, also while the reader works.
  ///
  /// - Returns: `false` if the mailbox is closed; the element is then not kept.
  @discardableResult
  package func post(_ element: Element) -> Bool {
    let (accepted, bell) = state.withLock { state -> (Bool, Bell?) in
      guard !state.isClosed else { return (false, nil) }
      state.posted.append(element)
      return (true, state.posted.count == 1 ? state.bell : nil)
    }
    // Outside the lock: a ring enters the reader's executor.
    bell?.ring()
    return accepted
  }

  /// Swaps everything posted so far into `batch`, whose former elements are removed.
  ///
  /// Handing in the same array every time lets two buffers alternate, so that a batch allocates
  /// nothing once both have grown.
  package func take(into batch: inout [Element]) {
    batch.removeAll(keepingCapacity: true)
    state.withLock { swap(&$0.posted, &batch) }
  }

  /// Begins a run: a new bell, which rings at once if something waits. The bell of an earlier run
  /// ends. On a closed mailbox the bell has ended already, after one ring if something waits.
  package func open() -> AsyncStream<Void> {
    // One ring is enough, since each ring answers for all that waits.
    let (stream, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    if install(.stream(bell)) { bell.finish() }
    return stream
  }

  /// Begins a run whose bell is a call; otherwise like ``open()``. It is kept until ``endRun()`` or
  /// the next run.
  ///
  /// - Parameter bell: Called from any thread, from within ``post(_:)``.
  package func open(_ bell: @escaping @Sendable () -> Void) { _ = install(.call(bell)) }

  /// - Returns: Whether the mailbox is closed.
  private func install(_ bell: Bell) -> Bool {
    let (former, waits, closed) = state.withLock { state in
      let former = state.bell
      state.bell = state.isClosed ? nil : bell
      return (former, !state.posted.isEmpty, state.isClosed)
    }
    former?.end()
    if waits { bell.ring() }
    return closed
  }

  /// Ends the run: nothing rings until the next one.
  package func endRun() {
    let bell = state.withLock { $0.bell.take() }
    bell?.end()
  }

  /// Rings without posting, for a reader that has something to look at besides its mail.
  package func ring() {
    let bell = state.withLock { $0.bell }
    bell?.ring()
  }

  /// Refuses further posts and ends the bell, for good. What was posted before can still be taken.
  package func close() {
    let bell = state.withLock { state in
      state.isClosed = true
      return state.bell.take()
    }
    bell?.end()
  }
}
