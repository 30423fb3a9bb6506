// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// Several messages of the service in one, through the whole engine.
@Suite struct MergedMessagesTests {
  /// A conversation of speech, text and a tool over a planned move and a loss.
  private func converse(
    seed: UInt64, _ service: @escaping (inout ServiceConfiguration) -> Void
  ) throws -> (witness: Witness, spoken: [UInt8], stand: TestStand) {
    let stand = TestStand(seed: seed, service: service)
    let (witness, spoken) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(2))
        var spoken = try await stand.speak(session, for: .seconds(4))
        try await stand.sleep(.seconds(6))
        try await session.send(text: "use a tool")
        try await stand.sleep(.seconds(2))
        let call = try #require(witness.calls.first)
        let response = FunctionResponse(id: call.id, name: call.name, response: ["answer": "yes"])
        try await session.send(.toolResponse(ToolResponse(functionResponses: [response])))
        stand.inject(.goAway(timeLeft: .seconds(20)))
        try await stand.sleep(.seconds(30))
        spoken += try await stand.speak(session, for: .seconds(4), from: 40)
        stand.inject(.drop)
        try await stand.sleep(.seconds(30))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(20))
        return (witness, spoken)
      }
    }
    return (witness, spoken, stand)
  }

  @Test(arguments: [0.5, 1], 1...6 as ClosedRange<UInt64>)
  func nothingIsLostInMessagesThatSayTwoThings(_ share: Double, _ seed: UInt64) throws {
    let (witness, spoken, stand) = try converse(seed: seed) { $0.faults.merges = share }
    #expect(witness.reconnects.map(\.cause.isPlanned) == [true, false])
    #expect(witness.reconnects.first?.uncertain.isEmpty == true)
    #expect(witness.reconnects.first?.lostCalls.isEmpty == true)
    #expect(witness.text.contains("The tool said") && witness.sawProbe)
    #expect(witness.calls.count == 1 && witness.cancelledCalls.isEmpty)
    let account = try #require(stand.soleAccount())
    // The turns of before the loss, the probe, and, if the loss took it, the answer to the speech.
    #expect(account.remembered.tallies.toolResponses.count == 1)
    let report = try #require(witness.reconnects.last)
    let missing = Speech.missing(in: account.remembered.audio, of: spoken)
    #expect(missing.isOrdered && missing.frames.allSatisfy { report.covers(frame: $0) })
    #expect(stand.promisesBroken.isEmpty, "\(stand.promisesBroken)")
    #expect(stand.totals.faults >= 5)
  }

  @Test func whatIsSaidTogetherIsHeardAsWhatIsSaidApart() throws {
    // Every piece of voice and every word, whatever it travelled with.
    func heard(_ change: @escaping (inout ServiceConfiguration) -> Void) throws -> [Part] {
      let stand = TestStand {
        $0.model.chunkInterval = .milliseconds(100)
        change(&$0)
      }
      let witness = try stand.run { stand in
        try await stand.listening { session, witness in
          for number in 0..<5 {
            try await session.send(text: "question \(number)")
            try await stand.sleep(.seconds(6))
          }
          return witness
        }
      }
      #expect(witness.turnsEnded == 5)
      return witness.messages.flatMap { $0.serverContent?.modelTurn?.parts ?? [] }
    }
    let apart = try heard { _ in }
    #expect(try heard { $0.faults.merges = 1 } == apart)
    #expect(try heard { $0.faults.merges = 0.5 } == apart)
    #expect(try heard { $0.usageApart = true } == apart)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func aHandleThatComesWithTheSetupIsNotTheOneThatWasUsed(_ seed: UInt64) throws {
    let stand = TestStand(seed: seed) { $0.faults.merges = 1 }
    let reconnects = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        stand.inject(.refuseNextResume)
        stand.inject(.drop)
        try await stand.sleep(.seconds(60))
        return witness.reconnects
      }
    }
    #expect(reconnects.map(\.outcome) == [.resumed, .startedFresh])
    // It was there before the loss.
    let age = try #require(reconnects.first?.handleAge)
    #expect(age > (reconnects.first?.gap ?? .zero))
    #expect(reconnects.last?.handleAge == nil)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func usageInAMessageOfItsOwnIsCounted() throws {
    let stand = TestStand { $0.usageApart = true }
    let end = try stand.run { stand in
      let session = try await stand.broker.openSession(
        stand.configuration { $0.limits.totalTokens = 1 })
      try await session.send(text: "hello")
      try await stand.sleep(.seconds(20))
      return session.end?.code
    }
    #expect(end == .usageLimitReached)
  }
}
