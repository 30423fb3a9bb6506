// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization

@testable import LiveBroker

/// Notes down all that one session tells its application.
final class Witness: Sendable {
  /// One thing that was told, in the order of telling.
  enum Event: Sendable {
    case message(SessionMessage)
    case transition(SessionTransition)
    case reconnect(ReconnectReport)
    case failed(BrokerError)
    case ended

    /// Whether it is content of the service.
    var isContent: Bool {
      if case .message(let message) = self {
        message.origin == .service && message.serverContent != nil
      } else {
        false
      }
    }
  }

  private let log = Mutex<[(at: EngineInstant, event: Event)]>([])
  private let clock: SimulatedClock

  /// How long this application thinks about every message; nil if it reads at once.
  private let pause: Duration?

  init(clock: SimulatedClock, pause: Duration? = nil) {
    self.clock = clock
    self.pause = pause
  }

  var events: [(at: EngineInstant, event: Event)] { log.withLock { $0 } }

  private func note(_ event: Event) {
    log.withLock { $0.append((clock.now, event)) }
    guard case .message(let message) = event else { return }
    if let calls = message.toolCall?.functionCalls { called.withLock { $0 += calls } }
    if message.isProbeAnswer { probed.withLock { $0 = true } }
  }

  private let called = Mutex<[FunctionCall]>([])
  private let probed = Mutex(false)

  /// Whether a probe was answered.
  var sawProbe: Bool { probed.withLock { $0 } }

  func listen(to session: LiveSession, in group: inout ThrowingTaskGroup<Void, any Error>) {
    let transitions = session.transitions
    let reconnects = session.reconnects
    group.addTask { for await transition in transitions { self.note(.transition(transition)) } }
    group.addTask { for await report in reconnects { self.note(.reconnect(report)) } }
    group.addTask { await self.read(session) }
  }

  private func read(_ session: LiveSession) async {
    do throws(BrokerError) {
      var messages = session.messages.makeAsyncIterator()
      while let message = try await messages.next() {
        note(.message(message))
        if let pause { try? await clock.sleep(for: pause) }
      }
      note(.ended)
    } catch {
      note(.failed(error))
    }
  }

  // MARK: Questions

  var messages: [SessionMessage] {
    events.compactMap { if case .message(let message) = $0.event { message } else { nil } }
  }

  var reconnects: [ReconnectReport] {
    events.compactMap { if case .reconnect(let report) = $0.event { report } else { nil } }
  }

  var transitions: [SessionTransition] {
    events.compactMap { if case .transition(let change) = $0.event { change } else { nil } }
  }

  /// All that the model said in text.
  var text: String { messages.map(\.text).joined(separator: "|") }

  var turnsEnded: Int { messages.count { $0.serverContent?.turnComplete == true } }

  /// Ends that the broker gave to turns which a connection cut in half.
  var turnsCut: Int {
    messages.count { $0.origin == .broker && $0.serverContent?.interrupted == true }
  }

  var calls: [FunctionCall] { called.withLock { $0 } }

  var cancelledCalls: [String] { messages.flatMap { $0.toolCallCancellation?.ids ?? [] } }

  var failure: BrokerError? {
    for case (_, .failed(let error)) in events { return error }
    return nil
  }

  /// How often the message stream has ended: once at the end of a session, never more.
  var endings: Int {
    events.count {
      switch $0.event {
      case .failed, .ended: true
      case .message, .transition, .reconnect: false
      }
    }
  }
}

extension SessionMessage {
  /// What the model says in it in text.
  fileprivate var text: String {
    (content.serverContent?.modelTurn?.parts ?? []).compactMap(\.text).joined()
      + (content.serverContent?.outputTranscription?.text ?? "")
  }

  fileprivate var isProbeAnswer: Bool { text.contains("probe-ok") }
}
