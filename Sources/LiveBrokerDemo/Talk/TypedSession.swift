// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// The application of one session that is typed: each line is a turn.
struct TypedSession: Sendable {
  let lines: any AsyncSequence<String, Never> & Sendable
  /// Whether each line waits for the answer to the one before: a file is read faster than a person
  /// types, and new input cuts an answer off.
  let waitsForAnswers: Bool
  let clock: any RunClock
  /// Until when it goes on after the last line; nil for the last answer.
  let end: EngineInstant?
  let witness: SessionWitness
  let output: any SessionListener.Output
  let style: ScriptedSession.Style
  let stop: StopSwitch

  /// What a person would take from an answer to the next line. The service needs some of it to issue
  /// a handle for what has been said.
  private static let pause = Duration.milliseconds(500)
  /// How long an answer may take.
  private static let patience = Duration.seconds(60)

  func run(_ broker: Broker, _ configuration: SessionConfiguration) async throws {
    let opened = try await unlessStopped(stop) {
      try await broker.openSession(configuration, id: "0")
    }
    guard let session = opened else { return }
    witness.sessionOpened()
    let answers = AnswerBell(clock: clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await listen(to: session, answers) }
      group.addTask { _ = try await unlessStopped(stop) { try await converse(session, answers) } }
      if let end { group.addTask { try await clock.sleep(until: end) } }
      // The session ends, the input does, or the time is over.
      try await group.next()
      group.cancelAll()
    }
    let isLive = session.end == nil && (answers.isQuiet || stop.isOn)
    witness.note(0) { $0.answeredProbe = isLive }
  }

  private func listen(to session: LiveSession, _ answers: AnswerBell) async throws {
    let listener = SessionListener(
      index: 0, witness: witness, output: output, result: style.result)
    try await listener.listen(to: session) { turn in
      if !turn.isInterrupted { answers.ring() }
      return false
    }
  }

  private func converse(_ session: LiveSession, _ answers: AnswerBell) async throws {
    // An empty line is a slip of the hand, and no turn that every service takes.
    for await line in lines where !line.allSatisfy(\.isWhitespace) {
      answers.expect()
      try await style.send(line, to: session)
      witness.note(0) { $0.textsSent += 1 }
      guard waitsForAnswers else { continue }
      await answers.wait(for: Self.patience)
      try await clock.sleep(for: Self.pause)
    }
    await answers.wait(for: Self.patience)
    if let end { try await clock.sleep(until: end) }
  }
}

/// Tells one waiting task that an answer has come.
final class AnswerBell: Sendable {
  private let clock: any RunClock
  private let rings: AsyncStream<Void>
  private let ringer: AsyncStream<Void>.Continuation
  private let isExpecting = Mutex(false)

  init(clock: any RunClock) {
    self.clock = clock
    // A ring says that there is something to look at; two say the same.
    (rings, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Whether every question is answered.
  var isQuiet: Bool { isExpecting.withLock { !$0 } }

  func expect() { isExpecting.withLock { $0 = true } }

  func ring() {
    isExpecting.withLock { $0 = false }
    ringer.yield()
  }

  /// Returns when every question is answered, after `patience`, or when the task is cancelled.
  func wait(for patience: Duration) async {
    guard !isQuiet else { return }
    let end = clock.now.advanced(by: patience)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [clock, ringer] in
        try? await clock.sleep(until: end)
        ringer.yield()
      }
      for await _ in rings where isQuiet || clock.now >= end { break }
      group.cancelAll()
    }
  }
}
#endif
