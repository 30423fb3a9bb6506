// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker
internal import Synchronization

/// A sink that writes down what it is told, and whether it is told properly.
final class ConformanceSink: ConnectionSink {
  enum Event: Sendable {
    case message([UInt8])
    case signal(ConnectionSignal)
  }

  let events = Transcript<Event>()
  /// What was wrong with the way in which the sink was called.
  let complaints = Mutex<[String]>([])
  private let generation: UInt32
  private let executor: (any ShardExecutor)?
  private let isInside = Atomic(false)
  private let hasEnded = Atomic(false)
  /// Whether a call of the connection is under way on the executor.
  let isInCall = Atomic(false)
  let isAborted = Atomic(false)

  /// - Parameter executor: Where calls must come from; nil if they may come from elsewhere.
  init(generation: UInt32, on executor: (any ShardExecutor)?) {
    self.generation = generation
    self.executor = executor
  }

  /// Whether a final signal came.
  var hasHeardEnd: Bool { hasEnded.load(ordering: .acquiring) }

  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    enter(generation, isFinal: false)
    events.append(.message(Array(payload)))
    isInside.store(false, ordering: .releasing)
  }

  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    let isFinal =
      switch signal {
      case .closed, .failed: true
      case .pong, .writable: false
      }
    enter(generation, isFinal: isFinal)
    events.append(.signal(signal))
    isInside.store(false, ordering: .releasing)
  }

  private func enter(_ generation: UInt32, isFinal: Bool) {
    if isInside.exchange(true, ordering: .acquiring) { complain("two calls at once") }
    if generation != self.generation { complain("generation \(generation)") }
    if executor?.isCurrent == false { complain("a call from outside the executor") }
    if executor != nil, isInCall.load(ordering: .acquiring) {
      complain("a call from inside a call of the connection")
    }
    // A transport that calls from elsewhere may be in the middle of a call while it is aborted.
    if executor != nil, isAborted.load(ordering: .acquiring) { complain("a call after abort") }
    let hadEnded =
      isFinal
      ? hasEnded.exchange(true, ordering: .acquiringAndReleasing)
      : hasEnded.load(ordering: .acquiring)
    if hadEnded { complain("a call after the final one") }
  }

  private func complain(_ message: String) {
    complaints.withLock { if !$0.contains(message) { $0.append(message) } }
  }
}
