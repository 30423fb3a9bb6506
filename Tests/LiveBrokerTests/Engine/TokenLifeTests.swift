// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct TokenLifeTests {
  @Test(arguments: [false, true])
  func aSessionOfTwoHoursCrossesItsTokens(strict: Bool) throws {
    let stand = TestStand {
      $0.credentials.resumptionCountsAsUse = strict
      $0.model.verbosity = .brief
    }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        for minute in 0..<120 {
          try await session.send(text: "minute \(minute)")
          try await stand.sleep(.seconds(60))
        }
        return witness
      }
    }
    #expect(stand.totals.minted >= 4)
    #expect(witness.reconnects.allSatisfy { $0.outcome == .resumed && $0.uncertain.isEmpty })
    #expect(witness.reconnects.count(where: \.credentialRenewed) >= 3)
    #expect(stand.soleAccount()?.remembered.tallies.content.count == 120)
    #expect(witness.turnsEnded == 120)
    // A service that counts resumes is learned from one refusal.
    #expect(stand.totals.setupsRefusedByToken == (strict ? 1 : 0))
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aTokenPastItsWindowAtTheDialIsReplaced() throws {
    // Admission lets the dial through only after the first token's window has closed.
    let stand = TestStand(
      service: { $0.credentials.newSessionWindow = .seconds(5) },
      broker: {
        $0.credentials = $0.credentials
        $0.admission.maximumInFlight = 1
        $0.dialTimeouts.connect = .seconds(20)
      })
    let labels = try stand.run { stand in
      stand.network.partition(.toService)
      return try await withThrowingTaskGroup(of: String.self) { group in
        for label in ["a", "b", "c"] {
          group.addTask {
            let session = try await stand.broker.openSession(stand.configuration(label: label))
            await session.close()
            return label
          }
        }
        try await stand.sleep(.seconds(6))
        stand.network.partition([])
        return try await group.reduce(into: []) { $0.append($1) }
      }
    }
    #expect(labels.count == 3)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test(arguments: [500, 429, 503])
  func aFailedMintIsTriedAgain(status: Int) throws {
    let stand = TestStand()
    let answer = try stand.run { stand in
      stand.network.withService { $0.failNextMints(2, status: status) }
      return try await stand.broker.withSession(stand.configuration()) { session in
        try await session.ask("probe")
      }
    }
    #expect(answer.contains("probe"))
    #expect(stand.totals.mintsRefused == 2)
  }

  @Test func aRefusedKeyFailsClosed() throws {
    let stand = TestStand { $0.credentials.refusedKeys = [Secret("TEST-KEY")] }
    let error = try stand.run { stand -> BrokerError? in
      do {
        _ = try await stand.broker.openSession(stand.configuration())
        return nil
      } catch { return error as? BrokerError }
    }
    #expect(error?.end?.code == .credentialRefused)
    #expect(error.map { "\($0)".contains("TEST-KEY") } == false)
    #expect(stand.network.figures.dials == 0)
  }

  @Test func aRenewalWhoseMintsFailForMinutesStillSucceedsBeforeTheExpiry() throws {
    let stand = TestStand { $0.connections.lifetime = .seconds(3_600) }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(28 * 60))
        stand.network.withService { $0.failNextMints(4) }
        try await stand.sleep(.seconds(10 * 60))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.cause) == [.planned(.credentialExpiry)])
    #expect(witness.text.contains("probe-ok"))
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test(arguments: [600, -600])
  func stepsOfTheWallClockChangeNothing(seconds: Int) throws {
    let stand = TestStand { $0.model.verbosity = .brief }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        for minute in 0..<70 {
          if minute % 9 == 4 { stand.simulation.clock.stepWallTime(by: .seconds(seconds)) }
          try await session.send(text: "minute \(minute)")
          try await stand.sleep(.seconds(60))
        }
        return witness
      }
    }
    #expect(witness.reconnects.allSatisfy { $0.outcome == .resumed && $0.cause.isPlanned })
    #expect(witness.turnsEnded == 70)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func anAPIKeyAloneCarriesASessionForHours() throws {
    let stand = TestStand(tokens: false) { $0.model.verbosity = .brief }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        for minute in 0..<130 {
          try await session.send(text: "minute \(minute)")
          try await stand.sleep(.seconds(60))
        }
        return witness
      }
    }
    #expect(stand.totals.minted == 0)
    #expect(witness.reconnects.count >= 12)
    #expect(witness.reconnects.allSatisfy { $0.outcome == .resumed && !$0.credentialRenewed })
    #expect(witness.turnsEnded == 130)
  }

  @Test func aSpentTokenIsReplacedAtOneExtraDial() throws {
    let stand = TestStand { $0.credentials.resumptionCountsAsUse = true }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.resumed, .resumed])
    #expect(witness.reconnects.allSatisfy { $0.dials <= 2 })
  }
}
