// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The side of a session that other threads may touch: what the application has not read yet, who
/// waits for room, who listens.
///
/// One per session for its whole life, restarts included. Small until somebody uses it.
final class SessionPort: Sendable {
  // In the order of their sizes, with the address in the room behind the id.
  let id: SessionID
  let address: SessionAddress
  let plan: SessionPlan
  let shard: Shard
  private let state: Mutex<State>

  init(id: SessionID, plan: SessionPlan, shard: Shard, address: SessionAddress) {
    self.id = id
    self.plan = plan
    self.shard = shard
    self.address = address
    state = Mutex(State())
  }

  /// Names a request of the session's; without a serial the session itself, where none is meant.
  func ticket(_ serial: UInt32 = 0) -> Ticket {
    Ticket(shard: shard.index, slot: address.slot, serial: serial)
  }

  private struct State: ~Copyable {
    /// Bytes accepted from senders and not yet sent or dropped.
    var outstanding: Int32 = 0
    var start = SessionStart.fresh
    var detail: Detail?
  }

  /// What a port holds once it is used.
  final class Detail {
    var unread = Fifo<(message: SessionMessage, bytes: Int)>()
    var unreadBytes = 0
    var isPaused = false
    var readers: [(id: UInt64, continuation: UnsafeContinuation<Void, Never>)] = []
    var sendWaiters: [(id: UInt64, continuation: UnsafeContinuation<Void, Never>)] = []
    var endWaiters: [(id: UInt64, continuation: UnsafeContinuation<Void, Never>)] = []
    var transitions: [AsyncStream<SessionTransition>.Continuation] = []
    var reconnects: [AsyncStream<ReconnectReport>.Continuation] = []
    var end: SessionEnd?
    var doubt: MemoryDoubt?
    var nextID: UInt64 = 0

    /// Everybody who waits, for waking them once.
    func takeWaiters() -> [UnsafeContinuation<Void, Never>] {
      defer {
        readers = []
        sendWaiters = []
        endWaiters = []
      }
      return (readers + sendWaiters + endWaiters).map(\.continuation)
    }
  }

  private func withDetail<R>(_ body: (Detail) -> sending R) -> sending R {
    state.withLock { state in
      let detail = state.detail ?? Detail()
      state.detail = detail
      return body(detail)
    }
  }

  /// How the session began; until it has, how it is going to.
  var start: SessionStart {
    get { state.withLock { $0.start } }
    set { state.withLock { $0.start = newValue } }
  }

  /// The first connection is live.
  func settleStart(isResumed: Bool) -> SessionStart {
    state.withLock { state in
      if state.start == .resumed, !isResumed { state.start = .storedHandleRefused }
      return state.start
    }
  }

  /// The newest reason to doubt what the service remembers.
  var doubt: MemoryDoubt? { state.withLock { $0.detail?.doubt } }

  func note(_ doubt: MemoryDoubt) { withDetail { $0.doubt = doubt } }

  /// How the session ended, once it has.
  var end: SessionEnd? { state.withLock { $0.detail?.end } }
}

// MARK: Sending

extension SessionPort {
  /// Takes `bytes` into account if there is room; what is never dropped waits for room.
  func reserve(_ bytes: Int, limit: Int, mustFit: Bool) throws(BrokerError) -> Bool {
    let answer: Result<Bool, BrokerError> = state.withLock { state in
      if let end = state.detail?.end { return .failure(.ended(end)) }
      guard !mustFit || state.outstanding == 0 || Int(state.outstanding) + bytes <= limit else {
        return .success(false)
      }
      state.outstanding = Int32(clamping: Int(state.outstanding) + bytes)
      return .success(true)
    }
    return try answer.get()
  }

  /// Gives room back when messages have left the outbox.
  func release(_ bytes: Int) {
    let waiters = state.withLock { state in
      state.outstanding = Int32(clamping: max(0, Int(state.outstanding) - bytes))
      guard let detail = state.detail, !detail.sendWaiters.isEmpty else {
        return [UnsafeContinuation<Void, Never>]()
      }
      defer { detail.sendWaiters = [] }
      return detail.sendWaiters.map(\.continuation)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when there may be room, the session has ended, or the task is cancelled.
  func waitForRoom() async {
    await wait { detail, waiter in
      detail.sendWaiters.append(waiter)
    } remove: { detail, id in
      detail.sendWaiters.remove(id: id)
    }
  }

  /// Returns when the session has ended or the task is cancelled.
  func waitForEnd() async {
    await wait { detail, waiter in
      detail.endWaiters.append(waiter)
    } remove: { detail, id in
      detail.endWaiters.remove(id: id)
    }
  }

  /// Parks the caller under an id by which it can be cancelled. Does not park in an ended session.
  private func wait(
    unless isReady: (Detail) -> Bool = { _ in false },
    add: (Detail, (id: UInt64, continuation: UnsafeContinuation<Void, Never>)) -> Void,
    remove:
      @escaping @Sendable (Detail, UInt64) -> UnsafeContinuation<Void, Never>?
  ) async {
    let id = withDetail { detail in
      detail.nextID += 1
      return detail.nextID
    }
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isOver = withDetail { detail in
          guard detail.end == nil, !isReady(detail), !Task.isCancelled else { return true }
          add(detail, (id, continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      self.withDetail { detail in remove(detail, id) }?.resume()
    }
  }
}

// MARK: Reading

extension SessionPort {
  /// Puts a message before the reader. True if reading from the socket should stop.
  func push(_ message: SessionMessage, bytes: Int, policy: InboundPolicy) -> Bool {
    let (waiter, shouldPause) = withDetail { detail in
      detail.unread.append((message, bytes))
      detail.unreadBytes += bytes
      let shouldPause = !detail.isPaused && detail.unreadBytes >= policy.highWatermark
      if shouldPause { detail.isPaused = true }
      let waiter = detail.readers.isEmpty ? nil : detail.readers.removeFirst().continuation
      return (waiter, shouldPause)
    }
    waiter?.resume()
    return shouldPause
  }

  /// Bytes that the application has not read yet.
  var unreadBytes: Int { state.withLock { $0.detail?.unreadBytes ?? 0 } }

  /// Whether more is unread than the reader's policy allows.
  var isReadingPaused: Bool { state.withLock { $0.detail?.isPaused ?? false } }

  /// The next message; nil after the last one of a session that ended as somebody wanted.
  func next(lowWatermark: Int) async throws(BrokerError) -> SessionMessage? {
    while true {
      switch take(lowWatermark: lowWatermark) {
      case .message(let message, let caughtUp):
        if caughtUp { shard.mailbox.post(.consumerCaughtUp(address)) }
        return message
      case .ended(let end):
        guard end.isFailure else { return nil }
        throw .ended(end)
      case .empty:
        if Task.isCancelled { throw .cancelled }
        await waitForMessage()
      }
    }
  }

  private enum Taken: Sendable {
    case message(SessionMessage, caughtUp: Bool)
    case ended(SessionEnd)
    case empty
  }

  private func take(lowWatermark: Int) -> Taken {
    withDetail { detail in
      guard let (message, bytes) = detail.unread.popFirst() else {
        return detail.end.map(Taken.ended) ?? .empty
      }
      detail.unreadBytes -= bytes
      let caughtUp = detail.isPaused && detail.unreadBytes <= lowWatermark
      if caughtUp { detail.isPaused = false }
      return .message(message, caughtUp: caughtUp)
    }
  }

  private func waitForMessage() async {
    await wait(unless: { !$0.unread.isEmpty }) { detail, waiter in
      detail.readers.append(waiter)
    } remove: { detail, id in
      detail.readers.remove(id: id)
    }
  }
}

// MARK: Observing

extension SessionPort {
  /// A stream of the session's phases from now on; the newest 64 are kept for a slow reader.
  func transitions() -> AsyncStream<SessionTransition> {
    let (stream, continuation) = AsyncStream<SessionTransition>.makeStream(
      bufferingPolicy: .bufferingNewest(64))
    let isOver = withDetail { detail in
      guard detail.end == nil else { return true }
      detail.transitions.append(continuation)
      return false
    }
    if isOver { continuation.finish() }
    return stream
  }

  /// A stream of the session's reconnects from now on; the newest 64 are kept for a slow reader.
  func reconnects() -> AsyncStream<ReconnectReport> {
    let (stream, continuation) = AsyncStream<ReconnectReport>.makeStream(
      bufferingPolicy: .bufferingNewest(64))
    let isOver = withDetail { detail in
      guard detail.end == nil else { return true }
      detail.reconnects.append(continuation)
      return false
    }
    if isOver { continuation.finish() }
    return stream
  }

  /// Tells the observers; returns how many events a slow one has lost by it.
  func publish(_ transition: SessionTransition) -> Int {
    let observers = state.withLock { $0.detail?.transitions ?? [] }
    return observers.count { if case .dropped = $0.yield(transition) { true } else { false } }
  }

  /// Tells the observers; returns how many events a slow one has lost by it.
  func publish(_ report: ReconnectReport) -> Int {
    let observers = state.withLock { $0.detail?.reconnects ?? [] }
    return observers.count { if case .dropped = $0.yield(report) { true } else { false } }
  }

  /// Ends all streams and wakes everybody who waits, once.
  func finish(_ end: SessionEnd) {
    let (waiters, transitions, reconnects) = withDetail { detail in
      guard detail.end == nil else {
        return (
          [UnsafeContinuation<Void, Never>](), [AsyncStream<SessionTransition>.Continuation](),
          [AsyncStream<ReconnectReport>.Continuation]()
        )
      }
      detail.end = end
      defer {
        detail.transitions = []
        detail.reconnects = []
      }
      return (detail.takeWaiters(), detail.transitions, detail.reconnects)
    }
    for waiter in waiters { waiter.resume() }
    for observer in transitions { observer.finish() }
    for observer in reconnects { observer.finish() }
  }
}

extension [(id: UInt64, continuation: UnsafeContinuation<Void, Never>)] {
  fileprivate mutating func remove(id: UInt64) -> UnsafeContinuation<Void, Never>? {
    firstIndex { $0.id == id }.map { remove(at: $0).continuation }
  }
}
