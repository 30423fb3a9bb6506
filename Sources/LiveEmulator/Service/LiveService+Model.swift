// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The scripted model at work: it listens, thinks, answers, calls, and can be interrupted.
extension LiveService {
  // MARK: Listening

  /// Audio with sound in it came.
  mutating func heardSpeech(_ session: Int, bytes: Int) {
    guard !sessions[session].has(.manualActivity) else {
      if sessions[session].talk.isListening { sessions[session].talk.heard += bytes }
      return
    }
    if !sessions[session].talk.isListening { speechStarted(session) }
    sessions[session].talk.heard += bytes
    sessions[session].silenceAlarm.set(
      saturated(pace.silence), .silence, owner: UInt32(session), in: &timers)
  }

  mutating func speechStarted(_ session: Int) {
    sessions[session].talk.isListening = true
    guard sessions[session].talk.isTurnRunning, !sessions[session].has(.noInterruption) else {
      return
    }
    let isCalling = sessions[session].talk.phase == .calling
    let cancelsCalls =
      sessions[session].has(.strictModel) && configuration.model.audioCancelsSynchronousCalls
    if !isCalling || cancelsCalls || sessions[session].has(.manualActivity) { interrupt(session) }
  }

  /// The user has finished speaking; without anything heard there is nothing to answer.
  mutating func utteranceEnded(_ session: Int) {
    sessions[session].silenceAlarm.cancel()
    sessions[session].talk.isListening = false
    guard sessions[session].talk.heard > 0 else { return }
    if sessions[session].talk.isTurnRunning {
      sessions[session].talk.hasQueuedSpeech = true
    } else {
      answerSpeech(session)
    }
  }

  private mutating func answerSpeech(_ session: Int) {
    let slot = Int(sessions[session].socket)
    let heard = "speech of \(sessions[session].talk.heard) bytes"
    if slot >= 0, sessions[session].has(.transcribesInput) {
      send(slot, voice.inputTranscription(heard))
    }
    beginTurn(session, .say("I heard \(heard)", isLong: false))
  }

  func plan(for text: String, _ session: Int) -> Conversation.Plan {
    Conversation.plan(for: text) {
      let account = sessions[session].remembered
      return "recall: \(account.itemCount) items, \(account.tallies.audio.bytes) bytes of audio"
    }
  }

  // MARK: Turns

  mutating func beginTurn(_ session: Int, _ plan: Conversation.Plan) {
    sessions[session].talk.heard = 0
    sessions[session].talk.hasQueuedSpeech = false
    guard !sessions[session].talk.isPoisoned else { return }
    sessions[session].talk.plan = plan
    sessions[session].talk.phase = .thinking
    note(.turnStarted(session: session))
    withhold(session)
    armModel(session, saturated(pace.thinking))
  }

  private mutating func armModel(_ session: Int, _ deadline: Int64) {
    sessions[session].modelAlarm.set(deadline, .model, owner: UInt32(session), in: &timers)
  }

  mutating func modelDue(_ session: Int) {
    let slot = Int(sessions[session].socket)
    guard slot >= 0 else { return }
    switch sessions[session].talk.phase {
    case .thinking:
      switch sessions[session].talk.plan {
      case .call(let count, let request): call(session, slot, count: count, request: request)
      case .say(let text, let isLong): speak(session, slot, text, isLong: isLong)
      }
    case .answering: continueAnswer(session, slot)
    case .held: endTurn(session, slot, interrupted: false)
    case .idle, .calling: break
    }
  }

  private mutating func speak(_ session: Int, _ slot: Int, _ text: String, isLong: Bool) {
    sessions[session].talk.phase = .answering
    sessions[session].talk.playedUntil = now
    sessions[session].talk.chunksSent = 0
    if sessions[session].has(.answersInText) {
      sessions[session].talk.chunksLeft = 0
      send(slot, voice.text(text))
    } else {
      sessions[session].talk.chunksLeft = isLong ? pace.chunksOfLongAnswer : pace.chunksOfAnswer
      let isTranscribed = sessions[session].has(.transcribesOutput)
      send(slot, isTranscribed ? voice.outputTranscription(text) : voice.text(text))
    }
    continueAnswer(session, slot)
  }

  /// Sends the audio that is due, then says that the generation is complete.
  private mutating func continueAnswer(_ session: Int, _ slot: Int) {
    while sessions[session].talk.chunksLeft > 0 {
      send(slot, voice.chunk(sessions[session].talk.chunksSent))
      sessions[session].talk.chunksSent += 1
      sessions[session].talk.chunksLeft -= 1
      sessions[session].talk.playedUntil += pace.chunkLength
      if pace.chunkInterval > 0, sessions[session].talk.chunksLeft > 0 {
        armModel(session, saturated(pace.chunkInterval))
        return
      }
    }
    send(slot, voice.generationComplete)
    let playedUntil = sessions[session].talk.playedUntil
    let isBrief = configuration.model.verbosity == .brief
    if configuration.model.holdsTurnComplete, !isBrief, playedUntil > now {
      sessions[session].talk.phase = .held
      armModel(session, playedUntil)
    } else {
      endTurn(session, slot, interrupted: false)
    }
  }

  private mutating func endTurn(_ session: Int, _ slot: Int, interrupted: Bool) {
    let tallies = sessions[session].remembered.tallies
    let prompt =
      tallies.audio.bytes / 1_280 + tallies.video.count * 258
      + (tallies.text.bytes + tallies.content.bytes + tallies.toolResponses.bytes) / 4
    let response = Int(Int64(sessions[session].talk.chunksSent) * pace.chunkLength / 40_000_000)
    sessions[session].talk.phase = .idle
    sessions[session].talk.turns += 1
    sessions[session].modelAlarm.cancel()
    totals.turns += 1
    if interrupted { totals.turnsInterrupted += 1 }
    note(.turnEnded(session: session, interrupted: interrupted))
    if configuration.usageApart {
      send(slot, voice.turnOver)
      send(slot, voice.usage(promptTokens: prompt, responseTokens: response))
    } else {
      send(slot, voice.turnComplete(promptTokens: prompt, responseTokens: response))
    }
    sessions[session].isDirty = true
    if issuesHandles(session) {
      sessions[session].checkpointAlarm.set(
        saturated(pace.handleAfterTurn), .checkpoint, owner: UInt32(session), in: &timers)
    }
    if !interrupted, sessions[session].talk.hasQueuedSpeech { answerSpeech(session) }
  }

  /// Cuts the running turn off; calls that wait are cancelled. Does nothing between turns.
  mutating func interrupt(_ session: Int) {
    let slot = Int(sessions[session].socket)
    guard sessions[session].talk.isTurnRunning, slot >= 0 else { return }
    let pending = sessions[session].talk.pending
    if !pending.isEmpty {
      sessions[session].talk.forgetCalls()
      sessions[session].talk.cancelled = pending
      sessions[session].talk.cancelledAt = now
      send(slot, voice.toolCallCancellation(ids: pending))
    }
    sessions[session].talk.hasQueuedSpeech = false
    send(slot, voice.interrupted)
    endTurn(session, slot, interrupted: true)
  }

  // MARK: Calls

  private mutating func call(_ session: Int, _ slot: Int, count: Int, request: String) {
    let ids = (0..<count).map { _ in nextCallID() }
    sessions[session].talk.phase = .calling
    sessions[session].talk.pending = ids
    totals.toolCalls += count
    note(.toolCalled(session: session, calls: count))
    let name = sessions[session].facts.function ?? configuration.model.defaultFunction
    send(slot, voice.toolCall(ids: ids, name: name, request: request))
    troubleCall(session, slot)
  }

  private mutating func nextCallID() -> String {
    callsMade += 1
    return "function-call-\(1_000_000_000_000_000_000 + callsMade)"
  }

  /// The last pending call has its response: the turn goes on.
  mutating func callsAnswered(_ session: Int, lastResponse: String) {
    guard sessions[session].talk.phase == .calling else { return }
    let heard = lastResponse.utf8.count > 2_000 ? "a long result" : lastResponse
    sessions[session].talk.plan = .say("The tool said: \(heard)", isLong: false)
    sessions[session].talk.phase = .thinking
    armModel(session, saturated(pace.thinking))
  }

  /// A call that nobody asked for, injected.
  mutating func callNow(_ session: Int) {
    guard !sessions[session].talk.isTurnRunning else { return }
    beginTurn(session, .call(count: 1, request: "injected"))
  }
}
