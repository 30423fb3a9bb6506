// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct ToolCallTests {
  private func result(_ call: FunctionCall) -> ClientMessage {
    .toolResponse(
      ToolResponse(functionResponses: [
        FunctionResponse(id: call.id, name: call.name, response: ["answer": "forty-two"])
      ]))
  }

  @Test func aGoAwayWhileACallIsPendingWaitsForItsResultAndTheHandleAfterIt() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(5))
        try await session.send(text: "use a tool")
        try await stand.sleep(.seconds(2))
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.seconds(10))
        #expect(witness.reconnects.isEmpty)
        try await session.send(result(#require(witness.calls.first)))
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.count == 1)
    #expect(witness.reconnects.allSatisfy { $0.lostCalls.isEmpty && $0.uncertain.isEmpty })
    #expect(witness.text.contains("forty-two"))
    #expect(witness.cancelledCalls.isEmpty)
    let account = try #require(stand.soleAccount())
    #expect(account.remembered.tallies.toolResponses.count == 1)
  }

  @Test func aCallThatIsNotAnsweredByTheDeadlineIsLostHonestly() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(5))
        try await session.send(text: "use a tool")
        try await stand.sleep(.seconds(2))
        stand.inject(.goAway(timeLeft: .seconds(20)))
        try await stand.sleep(.seconds(40))
        try await session.send(result(#require(witness.calls.first)))
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.lostCalls) == [["lookup"]])
    // The question was sent again, so the model may ask again; the first call ended here.
    #expect(witness.cancelledCalls.first == witness.calls.first?.id)
    let account = try #require(stand.soleAccount())
    #expect(account.remembered.tallies.toolResponses.count == 0)
    let texts = account.remembered.items.compactMap { item -> String? in
      if case .content(let text, _) = item.kind { text } else { nil }
    }
    #expect(texts.contains { $0.contains("forty-two") && $0.contains("lookup") })
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aResultThatCrossesADropIsNeverAToolResponseOnTheNewConnection() throws {
    for delay in stride(from: 0, through: 900, by: 60) {
      let stand = TestStand(seed: UInt64(delay))
      try stand.run { stand in
        try await stand.listening { session, witness in
          try await stand.sleep(.seconds(5))
          try await session.send(text: "use a tool")
          try await stand.sleep(.seconds(2))
          stand.inject(.drop)
          try await stand.sleep(.milliseconds(delay))
          try await session.send(result(#require(witness.calls.first)))
          try await stand.sleep(.seconds(20))
        }
      }
      let broken = stand.promisesBroken.filter { $0.kind == .toolResponseWithoutCall }
      #expect(broken.isEmpty, "answered \(delay) ms after the drop")
    }
  }

  @Test func aCallThatNobodyAnswersEndsWithAnErrorAtTheLimit() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      let configuration = stand.configuration { $0.toolCalls.timeLimit = .seconds(20) }
      return try await stand.listening(to: configuration) { session, witness in
        try await session.send(text: "use two tools")
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.calls.count == 2)
    #expect(witness.cancelledCalls.count == 2)
    #expect(witness.turnsEnded == 1)
    let account = try #require(stand.soleAccount())
    #expect(account.pendingCalls.isEmpty)
    #expect(account.remembered.tallies.toolResponses.count == 2)
  }

  @Test func aResultForACallThatWasNeverMadeIsToldAsText() throws {
    let stand = TestStand()
    try stand.run { stand in
      try await stand.listening { session, _ in
        try await session.send(
          .toolResponse(
            ToolResponse(functionResponses: [
              FunctionResponse(id: "no-such-call", name: "lookup", response: ["a": 1])
            ])))
        try await stand.sleep(.seconds(10))
      }
    }
    let account = try #require(stand.soleAccount())
    #expect(account.received.tallies.toolResponses.count == 0)
    #expect(account.received.tallies.content.count == 1)
    #expect(stand.promisesBroken.isEmpty)
  }
}
