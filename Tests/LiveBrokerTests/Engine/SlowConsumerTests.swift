// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct SlowConsumerTests {
  @Test func aConsumerThatStopsForTenMinutesCostsBoundedMemoryAndNoDeadline() throws {
    let stand = TestStand()
    let (unread, reports, answer) = try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      let reconnects = session.reconnects
      try await stand.sleep(.seconds(5))
      var unread = 0
      for _ in 0..<20 {
        // A long answer is more than a megabyte on the wire.
        try await session.send(text: "a long answer, please")
        for _ in 0..<30 {
          try await stand.sleep(.seconds(1))
          unread = max(unread, session.port.unreadBytes)
        }
      }
      let log = Witness(clock: stand.simulation.clock)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        log.listen(to: session, in: &group)
        try await stand.sleep(.seconds(60))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(30))
        await session.close()
        try await group.waitForAll()
        var reports: [ReconnectReport] = []
        for await report in reconnects { reports.append(report) }
        return (unread, reports, log.text)
      }
    }
    #expect(unread >= 512 << 10)
    #expect(unread <= (512 << 10) + (64 << 10))
    #expect(!reports.isEmpty)
    for report in reports { #expect(report.outcome == .resumed, "\(report)") }
    #expect(answer.contains("probe-ok"))
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aConsumerThatStopsAcrossSeveralConnectionsStaysBounded() throws {
    let stand = TestStand()
    let (unread, answered) = try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      var unread = 0
      for minute in 0..<20 {
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(55))
        if minute % 5 == 2 { stand.inject(.drop) }
        try await stand.sleep(.seconds(5))
        unread = max(unread, session.port.unreadBytes)
      }
      let answer = try await withThrowingTaskGroup(of: Void.self) { group in
        let log = Witness(clock: stand.simulation.clock)
        log.listen(to: session, in: &group)
        try await stand.sleep(.seconds(60))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(30))
        await session.close()
        try await group.waitForAll()
        return log.text
      }
      return (unread, answer.contains("probe-ok"))
    }
    #expect(unread <= (512 << 10) + (64 << 10))
    #expect(answered)
  }

  @Test func aHandleThatLayUnreadCoversNothingThatWasSentMeanwhile() throws {
    let stand = TestStand { $0.model.chunkInterval = .milliseconds(20) }
    let (spoken, witness) = try stand.run { stand in
      let configuration = stand.configuration {
        $0.inbound.highWatermark = 100_000
        $0.inbound.lowWatermark = 50_000
      }
      let session = try await stand.broker.openSession(configuration)
      try await stand.sleep(.seconds(3))
      try await session.send(text: "a long answer, please")
      try await stand.sleep(.seconds(10))
      let spoken = try await stand.speak(session, for: .seconds(10))
      let witness = Witness(clock: stand.simulation.clock)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        // Now the application reads on, and right behind what lay unread the connection is lost.
        witness.listen(to: session, in: &group)
        try await stand.sleep(.milliseconds(70))
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        await session.close()
        try await group.waitForAll()
        return (spoken, witness)
      }
    }
    let missing = Speech.missing(in: stand.soleAccount()?.remembered.audio ?? [], of: spoken)
    let reports = witness.reconnects
    #expect(!reports.isEmpty && missing.isOrdered)
    #expect(missing.frames.allSatisfy { frame in reports.contains { $0.covers(frame: frame) } })
  }

  @Test func aPauseInReadingDoesNotMoveTheSessionAtOnce() throws {
    let stand = TestStand()
    let moves = try stand.run { stand in
      let session = try await stand.broker.openSession(
        stand.configuration { $0.inbound.highWatermark = 50_000 })
      for _ in 0..<6 {
        _ = try await session.ask("hello")
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(30))
        _ = try await session.ask("hello")
      }
      return await stand.broker.snapshot().plannedMoves
    }
    #expect(moves == 0)
  }

  @Test func aSlowReaderGetsEveryMessage() throws {
    let stand = TestStand()
    let chunks = try stand.run { stand in
      let configuration = stand.configuration {
        $0.inbound.highWatermark = 40_000
        $0.inbound.lowWatermark = 10_000
      }
      let session = try await stand.broker.openSession(configuration)
      try await session.send(text: "a long answer, please")
      var chunks = 0
      for try await message in session.messages {
        try await stand.sleep(.milliseconds(500))
        if message.serverContent?.modelTurn?.parts.contains(where: { $0.inlineData != nil }) == true
        {
          chunks += 1
        }
        if message.serverContent?.turnComplete == true { break }
      }
      return chunks
    }
    #expect(chunks == 100)
  }
}
