// SPDX-License-Identifier: Apache-2.0

/// What is said on a live connection, as far as the life cycle cares.
extension SessionMachine {
  /// A message of the service arrived.
  package mutating func heard(
    generation: UInt32, _ facts: MessageFacts, _ context: Context
  ) -> [Action] {
    noteOldTurn(generation, facts)
    guard
      updateLive({ live in
        guard live.generation == generation else { return false }
        live.lastHeardAt = context.now
        if facts.contains(.modelSpoke) { live.isGenerating = true }
        if facts.contains(.turnEnded) { live.isGenerating = false }
        if !facts.isDisjoint(with: .signOfLife) {
          live.isUnproven = false
          live.answerDueAt = .never
        } else if facts.contains(.userHeard), live.isUnproven, !live.isReadingPaused {
          // Put off while they go on speaking.
          live.answerDueAt = context.now.advanced(byNanoseconds: context.limits.answer)
        }
        return true
      })
    else { return [] }
    if !facts.isDisjoint(with: .signOfLife) { activeAt = context.now }
    return []
  }

  /// The connection that is closing goes on with its turn, or ends it.
  private mutating func noteOldTurn(_ generation: UInt32, _ facts: MessageFacts) {
    guard case .connecting(var attempt, let interruption) = state,
      attempt.closing?.generation == generation
    else { return }
    if facts.contains(.modelSpoke) { attempt.closing?.isGenerating = true }
    if facts.contains(.turnEnded) { attempt.closing?.isGenerating = false }
    state = .connecting(attempt, interruption)
  }

  /// The handle changed, or is withheld. Updates of the connection being replaced count until the
  /// new setup has been sent; the actor sees to that.
  package mutating func handleUpdated(_ facts: HandleFacts) {
    handle = facts
  }

  /// The model made calls.
  package mutating func callsReceived(
    generation: UInt32, _ calls: [(id: String, name: String)], _ context: Context
  ) {
    guard live?.generation == generation else { return }
    let due = context.now.advanced(byNanoseconds: context.limits.callTime)
    for call in calls where !openCalls.contains(where: { $0.id == call.id }) {
      openCalls.append(OpenCall(id: call.id, name: call.name, generation: generation, due: due))
    }
  }

  /// The service took calls back.
  package mutating func callsCancelled(ids: [String]) {
    openCalls.removeAll { ids.contains($0.id) }
  }

  /// Whether a result for this call may go out, and if so, that it does: each call ends once.
  package mutating func callAnswered(id: String, isLast: Bool) -> Bool {
    guard let index = openCalls.firstIndex(where: { $0.id == id }) else { return false }
    if isLast { openCalls.remove(at: index) }
    return true
  }

  /// The service will end this connection in `timeLeft`; nil means at once.
  package mutating func goAwayReceived(
    generation: UInt32, timeLeft: Duration?, _ context: Context
  ) -> [Action] {
    let limits = context.limits
    let left = max(0, timeLeft?.nanoseconds ?? 0)
    let window = left - min(limits.goAwayMargin, left / 5)
    if let live, live.generation == generation {
      let life = live.since.duration(to: context.now).nanoseconds &+ left
      learnedLife = UInt32(clamping: life / 1_000_000)
    }
    _ = updateLive { live in
      let by = context.now.advanced(byNanoseconds: window)
      guard live.generation == generation, by < live.rotation.by else { return false }
      let spread = Int64(Double(min(window, Int64.max / 2)) * limits.spread)
      let from = context.now.advanced(byNanoseconds: context.jitter(upTo: spread))
      live.rotation = Rotation(from: from, by: by, cause: .goAway)
      return true
    }
    return considerRotation(context)
  }

  /// A message went out on the live connection. True if a ping is wanted behind it, now or soon.
  package mutating func sent(_ facts: SentFacts, _ context: Context) -> Bool {
    activeAt = context.now
    handle.coversAll = false
    var isPingWanted = false
    _ = updateLive { live in
      isPingWanted = !live.owesPing && context.limits.provesArrival
      live.owesPing = context.limits.provesArrival
      if facts.contains(.asksForAnswer), live.isUnproven, !live.isReadingPaused,
        live.answerDueAt == .never
      {
        live.answerDueAt = context.now.advanced(byNanoseconds: context.limits.answer)
      }
      return true
    }
    return isPingWanted
  }

  /// The consumer fell behind or caught up, and reading from the socket stopped or went on.
  package mutating func readingPaused(_ isPaused: Bool, _ context: Context) {
    _ = updateLive { live in
      live.isReadingPaused = isPaused
      // What is not read cannot be heard to be missing.
      live.answerDueAt = .never
      live.lastHeardAt = context.now
      let by = max(
        context.now, live.since.advanced(byNanoseconds: context.limits.unreadConnectionAge))
      if isPaused, by < live.rotation.by {
        let window = min(
          context.limits.credentialMargin, context.now.duration(to: by).nanoseconds / 5)
        live.rotation = Rotation(
          from: by.advanced(byNanoseconds: -window), by: by, cause: .connectionAge)
      }
      return true
    }
  }

  /// A pong arrived. `isProven` tells whether it leaves nothing to prove by another ping.
  package mutating func ponged(generation: UInt32, isProven: Bool = true, _ context: Context) {
    _ = updateLive { live in
      guard live.generation == generation else { return false }
      live.lastHeardAt = context.now
      if !isProven { live.owesPing = context.limits.provesArrival }
      return true
    }
  }

  /// Changes the live connection's record in place; false if there is none.
  mutating func updateLive(_ change: (inout Live) -> Bool) -> Bool {
    switch state {
    case .live(var live):
      guard change(&live) else { return false }
      state = .live(live)
    case .rotating(var live, let attempt):
      guard change(&live) else { return false }
      state = .rotating(live, attempt)
    case .draining(var live, let by, let end):
      guard change(&live) else { return false }
      state = .draining(live, by: by, end)
    case .idle, .connecting, .waiting, .closing, .ended:
      return false
    }
    return true
  }
}

/// What a message of the service says about the life cycle.
package struct MessageFacts: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// A piece of the model's answer, or a call.
  package static let modelSpoke = MessageFacts(rawValue: 1)
  /// The turn is complete or was interrupted.
  package static let turnEnded = MessageFacts(rawValue: 2)
  /// What the user said was transcribed: the model owes an answer once they have finished.
  package static let userHeard = MessageFacts(rawValue: 4)
  static let signOfLife: MessageFacts = [.modelSpoke, .turnEnded]
}

/// What a sent message says about the life cycle.
package struct SentFacts: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The model owes an answer to this: a complete turn, the end of an utterance, a tool result.
  package static let asksForAnswer = SentFacts(rawValue: 1)
}
