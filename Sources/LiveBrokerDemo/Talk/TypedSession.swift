// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

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
  /// Looks at the session from outside while it goes on.
  var outages: OutageWatch?

  /// What a person would take from an answer to the next line. The service needs some of it to issue
  /// a handle for what has been said.
  private static let pause = Duration.milliseconds(500)
  func run(_ broker: Broker, _ configuration: SessionConfiguration) async throws {
    let opened = try await unlessStopped(stop) {
      try await broker.openSession(configuration, id: "0")
    }
    guard let session = opened else { return }
    witness.sessionOpened()
    let answers = AnswerBell(clock: clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await listen(to: session, answers) }
      group.addTask { await watch(session, answers) }
      if let outages { group.addTask { await outages.watch(session) } }
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
      index: 0, witness: witness, output: HeardOutput(output: output, answers: answers),
      result: style.result)
    try await listener.listen(to: session) { turn in
      if turn.isCut {
        answers.note { $0.turnCut(at: $1) }
      } else {
        answers.note { $0.turnEnded(isWhole: !turn.isInterrupted, at: $1) }
      }
      return false
    }
  }

  private func watch(_ session: LiveSession, _ answers: AnswerBell) async {
    for await change in session.transitions {
      answers.note { $0.connectionChanged(isUp: change.to.isConnected, at: $1) }
    }
  }

  private func converse(_ session: LiveSession, _ answers: AnswerBell) async throws {
    // An empty line is a slip of the hand, and no turn that every service takes.
    for await line in lines where !line.allSatisfy(\.isWhitespace) {
      answers.note { $0.asked(at: $1) }
      try await style.send(line, to: session)
      witness.note(0) { $0.textsSent += 1 }
      guard waitsForAnswers else { continue }
      await answers.wait()
      try await clock.sleep(for: Self.pause)
    }
    await answers.wait()
    if let end { try await clock.sleep(until: end) }
  }
}

/// Lets the bell know when the model says something.
private struct HeardOutput: SessionListener.Output {
  let output: any SessionListener.Output
  let answers: AnswerBell

  func said(_ text: String) {
    answers.note { $0.heard(at: $1) }
    output.said(text)
  }

  func spoke(_ pcm: [UInt8]) {
    answers.note { $0.heard(at: $1) }
    output.spoke(pcm)
  }

  func turnEnded() { output.turnEnded() }
}
#endif
