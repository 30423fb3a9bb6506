// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The application of one session: it speaks and types by its script, answers calls, listens.
struct ScriptedSession: Sendable {
  let index: Int
  let script: ApplicationScript
  let recording: Recording?
  let clock: any RunClock
  let start: EngineInstant
  let end: EngineInstant
  let witness: SessionWitness
  var style = Style()
  /// Where the model's words and voice go.
  var output: (any SessionListener.Output)?
  /// Ends the script early: what follows it still happens.
  var stop: StopSwitch?
  /// Looks at the session from outside while it goes on.
  var outages: OutageWatch?

  /// What differs from service to service.
  struct Style: Sendable {
    /// Whether text goes as realtime input, which every model takes in mid-conversation, or as a
    /// turn of its own.
    var sendsRealtimeText = false
    /// What comes last; once it is answered, the session counts as live.
    var ending = Ending.question("probe", answerBegins: "probe-ok")
    /// What a function returns.
    var result: @Sendable (FunctionCall) -> JSONValue = { _ in ["result": "ok"] }
    /// Whether the session is closed when the run has ended.
    var closesAtEnd = false
    /// Whether the run ends with the script's last answer, not later.
    var endsWithScript = false

    func send(_ text: String, to session: LiveSession) async throws {
      guard sendsRealtimeText else { return try await session.send(text: text) }
      try await session.send(.realtimeInput(RealtimeInput(text: text)))
    }
  }

  /// What a session says last.
  enum Ending: Sendable, Equatable {
    /// A text; its answer is known by how it begins.
    case question(String, answerBegins: String)
    /// Nothing more than that the microphone is off; every answer is one.
    case silence
  }

  private static let frameLength = Duration.milliseconds(20)
  /// How long the last answer may take.
  private static let patience = Duration.seconds(60)
  private static let patienceAfterStop = Duration.seconds(10)

  func run(_ broker: Broker, _ configuration: SessionConfiguration) async throws {
    let opened = try await unlessStopped(stop) {
      try await broker.openSession(configuration, id: String(index))
    }
    guard let session = opened else { return }
    witness.sessionOpened()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await listen(to: session) }
      if let outages { group.addTask { await outages.watch(session) } }
      _ = try await unlessStopped(stop) { try await perform(to: session) }
      try await askLast(session)
      // The listener ends when the probe is answered; a session that stays silent is not live.
      let patience = stop?.isOn == true ? Self.patienceAfterStop : Self.patience
      group.addTask { try await clock.sleep(for: patience) }
      try await group.next()
      group.cancelAll()
    }
    if style.closesAtEnd { await session.close() }
  }

  private func askLast(_ session: LiveSession) async throws {
    witness.note(index) { $0.hasProbed = true }
    switch style.ending {
    case .question(let probe, _): try await style.send("\(probe) \(index)", to: session)
    case .silence: try await session.send(.realtimeInput(RealtimeInput(audioStreamEnd: true)))
    }
  }

  // MARK: Speaking

  private func perform(to session: LiveSession) async throws {
    for (at, step) in script.steps {
      try await clock.sleep(until: start.advanced(by: at))
      switch step {
      case .text(let text):
        try await style.send(text, to: session)
        witness.note(index) { $0.textsSent += 1 }
      case .speech(let position, let frames):
        try await say(position, frames, to: session)
      }
    }
    if !style.endsWithScript { try await clock.sleep(until: end) }
  }

  private func say(_ position: Int, _ frames: Int, to session: LiveSession) async throws {
    guard let recording else { return }
    var next = clock.now
    for place in recording.positions(from: position, count: frames) {
      try await session.send(audio: recording.frame(at: place))
      witness.note(index) { $0.sentPositions.append(place) }
      next = next.advanced(by: Self.frameLength)
      try await clock.sleep(until: next)
    }
  }

  // MARK: Listening

  private func listen(to session: LiveSession) async throws {
    let listener = SessionListener(
      index: index, witness: witness, output: output, result: style.result)
    try await listener.listen(to: session) { turn in
      guard witness.account(index).hasProbed, isLast(turn.words) else { return false }
      witness.note(index) { $0.answeredProbe = true }
      return true
    }
  }
  private func isLast(_ answer: String) -> Bool {
    switch style.ending {
    case .question(_, let beginning): answer.hasPrefix(beginning)
    case .silence: true
    }
  }
}
