// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct RotationTests {
  @Test func aGoAwayInMidReplyLetsTheReplyEnd() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(3))
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.seconds(120))
        return witness
      }
    }
    #expect(witness.turnsEnded == 1)
    #expect(witness.turnsCut == 0)
    #expect(witness.reconnects.count == 1)
    #expect(witness.reconnects.first?.cause == .planned(.goAway))
    let end = witness.events.firstIndex {
      if case .message(let message) = $0.event {
        message.serverContent?.turnComplete == true
      } else {
        false
      }
    }
    let move = witness.events.firstIndex {
      if case .reconnect = $0.event { true } else { false }
    }
    #expect(try #require(end) < #require(move))
  }

  @Test func silenceAfterAGoAwayDoesNotDelayTheMoveBeyondItsDeadline() throws {
    let stand = TestStand()
    let (since, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(2))
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(2))
        stand.inject(.goAway(timeLeft: .seconds(10)))
        try await stand.sleep(.milliseconds(100))
        let since = stand.now
        stand.inject(.silence)
        try await stand.sleep(.seconds(60))
        return (since, witness)
      }
    }
    let report = try #require(witness.reconnects.first)
    #expect(report.cause == .planned(.goAway))
    // The close is never answered: its limit of 2 s is part of the gap.
    #expect(report.at <= since.advanced(by: .seconds(10) + .seconds(2) + .seconds(1)))
    #expect(report.outcome == .resumed)
    #expect(witness.turnsCut == 1)
  }

  @Test func aGoAwayWithoutATimeMovesTheSession() throws {
    let stand = TestStand()
    let (witness, answer) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "probe 1")
        try await stand.sleep(.seconds(20))
        stand.inject(.goAway(timeLeft: nil))
        try await stand.sleep(.seconds(90))
        try await session.send(text: "probe 2")
        try await stand.sleep(.seconds(20))
        return (witness, witness.text)
      }
    }
    #expect(witness.reconnects.map(\.cause) == [.planned(.goAway)])
    #expect(witness.reconnects.allSatisfy { $0.outcome == .resumed && $0.uncertain.isEmpty })
    #expect(answer.contains("probe 1") && answer.contains("probe 2"))
  }

  @Test func aSecondGoAwayStartsNoSecondMove() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.milliseconds(10))
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.milliseconds(100))
        stand.inject(.goAway(timeLeft: .seconds(59)))
        try await stand.sleep(.seconds(100))
        return witness
      }
    }
    #expect(witness.reconnects.count == 1)
    #expect(stand.totals.sessionsResumed == 1)
    #expect(stand.totals.upgrades == 2)
  }

  @Test func aGoAwayJustAfterAResumeWaitsForAHandleOrItsDeadline() throws {
    let stand = TestStand { $0.sessions.firstHandleDelay = .seconds(60) }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.drop)
        try await stand.sleep(.seconds(1))
        stand.inject(.goAway(timeLeft: .seconds(20)))
        try await stand.sleep(.seconds(10))
        #expect(witness.reconnects.count == 1)
        try await stand.sleep(.seconds(30))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.cause.isPlanned) == [false, true])
    #expect(witness.reconnects.allSatisfy { $0.outcome == .resumed })
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func withoutAnyGoAwayTheCloseAtTheEndIsRecoveredFrom() throws {
    let stand = TestStand { $0.connections.goAwayNotice = nil }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        for _ in 0..<21 {
          try await session.send(text: "hello")
          try await stand.sleep(.seconds(60))
        }
        return witness
      }
    }
    #expect(witness.reconnects.count == 2)
    for report in witness.reconnects {
      #expect(report.outcome == .resumed && report.cause.closeCode == 1008)
      #expect(report.gap <= .milliseconds(600))
    }
    #expect(witness.turnsEnded == 21)
    #expect(stand.soleAccount()?.remembered.tallies.content.count == 21)
  }

  @Test func contentInTheFrameOfAGoAwayIsDelivered() throws {
    let frame =
      #"{"serverContent":{"modelTurn":{"parts":[{"text":"beside"}]},"turnComplete":true},"#
      + #""goAway":{"timeLeft":"30s"}}"#
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.send(Array(frame.utf8)))
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.text.contains("beside"))
    #expect(witness.turnsCut == 0)
    #expect(witness.reconnects.map(\.cause) == [.planned(.goAway)])
  }

  @Test func speechOfHalfAnHourCrossesRotationsAndRenewalsWithoutALoss() throws {
    let stand = TestStand()
    let (spoken, witness) = try stand.run { stand in
      try await stand.listening { session, witness in
        let spoken = try await stand.speak(session, for: .seconds(30 * 60))
        try await stand.sleep(.seconds(5))
        return (spoken, witness)
      }
    }
    let account = try #require(stand.soleAccount())
    #expect(firstDifference(account.remembered.audio, spoken) == nil)
    #expect(account.received.tallies.audio.bytes == spoken.count)
    #expect(witness.reconnects.count >= 3)
    #expect(witness.reconnects.contains { $0.credentialRenewed })
    for report in witness.reconnects {
      #expect(report.uncertain.isEmpty && report.dropped.isEmpty && report.cause.isPlanned)
      #expect(report.longestHeld <= report.gap + .seconds(2))
      #expect(report.gap <= .milliseconds(130))
    }
    #expect(stand.promisesBroken.isEmpty)
  }
}
