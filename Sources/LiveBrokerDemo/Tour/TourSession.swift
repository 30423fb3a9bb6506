// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// The application of one session: it speaks and types by its script, answers calls, listens.
struct TourSession: Sendable {
  let index: Int
  let script: TourScript
  let recording: Recording?
  let clock: SimulatedClock
  let start: EngineInstant
  let end: EngineInstant
  let witness: TourWitness

  private static let frameLength = Duration.milliseconds(20)
  private static let probe = "probe"

  func run(_ broker: Broker, _ configuration: SessionConfiguration) async throws {
    let session = try await broker.openSession(configuration, id: String(index))
    witness.sessionOpened()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await listen(to: session) }
      try await speak(to: session)
      try await clock.sleep(until: end)
      try await session.send(text: "\(Self.probe) \(index)")
      // The listener ends when the probe is answered; a session that stays silent is not live.
      group.addTask { try await clock.sleep(for: .seconds(60)) }
      try await group.next()
      group.cancelAll()
    }
  }

  // MARK: Speaking

  private func speak(to session: LiveSession) async throws {
    for (at, step) in script.steps {
      try await clock.sleep(until: start.advanced(by: at))
      switch step {
      case .text(let text):
        try await session.send(text: text)
        witness.note(index) { $0.textsSent += 1 }
      case .speech(let position, let frames):
        try await say(position, frames, to: session)
      }
    }
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
    var answer = ""
    for try await message in session.messages {
      if let calls = message.toolCall?.functionCalls { try await serve(calls, to: session) }
      guard let content = message.serverContent else { continue }
      for part in content.modelTurn?.parts ?? [] {
        answer += part.text ?? ""
        if let bytes = part.inlineData?.data.count {
          witness.note(index) { $0.audioBytesHeard += bytes }
        }
      }
      answer += content.outputTranscription?.text ?? ""
      guard content.turnComplete else { continue }
      if answer.hasPrefix("probe-ok") {
        return witness.note(index) { $0.answeredProbe = true }
      }
      answer = ""
    }
  }

  private func serve(_ calls: [FunctionCall], to session: LiveSession) async throws {
    let responses = calls.map { call in
      FunctionResponse(id: call.id, name: call.name, response: ["result": "ok"])
    }
    try await session.send(.toolResponse(ToolResponse(functionResponses: responses)))
    witness.note(index) { $0.toolCalls += calls.count }
  }
}
