// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Listens to one session: answers the model's calls, hands its words and voice on, counts.
struct SessionListener: Sendable {
  /// Where the model's words and voice go. Called in order, on the listening task.
  protocol Output: Sendable {
    func said(_ text: String)
    func spoke(_ pcm: [UInt8])
    func turnEnded()
  }

  /// A turn of the model that has ended.
  struct Turn: Sendable, Equatable {
    var words: String
    /// Whether new input of ours cut it off.
    var isInterrupted: Bool
    /// Whether it ended with its connection: the broker says so, not the service.
    var isCut = false
  }

  let index: Int
  let witness: SessionWitness
  /// Nil if nobody wants to hear.
  var output: (any Output)?
  /// What a function returns.
  var result: @Sendable (FunctionCall) -> JSONValue = { _ in ["result": "ok"] }

  /// Listens until the session ends, or until a turn after which `isEnough` says so.
  func listen(to session: LiveSession, isEnough: (Turn) -> Bool) async throws {
    var turn = Turn(words: "", isInterrupted: false)
    for try await message in session.messages {
      if let calls = message.toolCall?.functionCalls { try await serve(calls, to: session) }
      guard let content = message.serverContent else { continue }
      turn.words += take(content)
      // The service says so before the turn's end, in a message of its own.
      if content.interrupted, message.origin == .service { turn.isInterrupted = true }
      guard content.turnComplete else { continue }
      witness.note(index) { $0.turnsHeard += 1 }
      output?.turnEnded()
      turn.isCut = message.origin == .broker
      if isEnough(turn) { return }
      turn = Turn(words: "", isInterrupted: false)
    }
  }

  /// Hands on what a message says, and gives its words.
  private func take(_ content: ServerContent) -> String {
    var words = ""
    for part in content.modelTurn?.parts ?? [] {
      if !part.thought { words += part.text ?? "" }
      guard let voice = part.inlineData?.data else { continue }
      witness.note(index) { $0.audioBytesHeard += voice.count }
      output?.spoke(voice)
    }
    words += content.outputTranscription?.text ?? ""
    if !words.isEmpty { output?.said(words) }
    return words
  }

  private func serve(_ calls: [FunctionCall], to session: LiveSession) async throws {
    let responses = calls.map { call in
      FunctionResponse(id: call.id, name: call.name, response: result(call))
    }
    do throws(BrokerError) {
      try await session.send(.toolResponse(ToolResponse(functionResponses: responses)))
    } catch {
      // Cancelled on its way here: nobody waits for the result any more.
      guard error.code == .unknownCall else { throw error }
      return
    }
    witness.note(index) { $0.toolCalls += calls.count }
  }
}
