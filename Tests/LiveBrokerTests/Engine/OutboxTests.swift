// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// What waits while there is no connection: bounded, and every piece accounted for.
@Suite struct OutboxTests {
  /// Runs `body` on a session that has no connection, then lets it recover.
  private func overload(
    _ change: @escaping @Sendable (inout SessionConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (TestStand, LiveSession) async throws -> Void
  ) throws -> (TestStand, ReconnectReport, BrokerSnapshot) {
    let stand = TestStand()
    let (witness, snapshot) = try stand.run { stand in
      try await stand.listening(to: stand.configuration(label: "a", change)) { session, witness in
        try await stand.sleep(.seconds(5))
        stand.network.partition(.both)
        stand.network.dropEverything()
        stand.network.partition([])
        stand.network.withService { $0.refuseNextUpgrades(20) }
        try await stand.sleep(.seconds(1))
        try await body(stand, session)
        stand.network.withService { $0.refuseNextUpgrades(0) }
        try await stand.sleep(.seconds(60))
        return (witness, await stand.broker.snapshot())
      }
    }
    return (stand, try #require(witness.reconnects.first), snapshot)
  }

  @Test func audioBeyondTheLimitIsDroppedOldestFirstAndCounted() throws {
    let (stand, report, snapshot) = try overload {
      $0.outbox.byteLimit = 64 << 10
    } _: {
      stand, session in
      for number in 0..<100 {
        try await session.send(audio: Array(repeating: UInt8(number + 1), count: 4_000))
        try await stand.sleep(.milliseconds(10))
      }
    }
    let account = try #require(stand.soleAccount())
    let kept = account.remembered.audio.count
    #expect(kept > 0 && kept <= 64 << 10)
    #expect(report.dropped.audio == [0..<400_000 - kept])
    #expect(report.uncertain.isEmpty)
    #expect(account.remembered.audio.last == 100)
    #expect(snapshot.droppedMessages * 4_000 == report.dropped.audioBytes)
  }

  @Test func audioThatGrewOldIsDroppedAndTheRestArrivesInOrder() throws {
    let (stand, report, _) = try overload({ $0.outbox.audioAgeLimit = .seconds(2) }) {
      stand, session in
      try await stand.speak(session, for: .seconds(6))
    }
    let account = try #require(stand.soleAccount())
    let kept = account.remembered.audio
    #expect(report.dropped.audioBytes + kept.count == 60 * 40)
    #expect(report.dropped.audio.first?.lowerBound == 0 && report.dropped.audio.count == 1)
    #expect(report.longestHeld <= .seconds(2))
    #expect(firstDifference(kept, (0..<60).flatMap(TestStand.frame).suffix(kept.count)) == nil)
  }

  @Test func ofVideoOnlyTheLatestFrameIsKept() throws {
    let (stand, report, _) = try overload { _, session in
      for number in 0..<50 {
        var input = RealtimeInput()
        input.video = Blob(
          mimeType: "image/jpeg", data: Array(repeating: UInt8(number), count: 500))
        try await session.send(.realtimeInput(input))
      }
    }
    let account = try #require(stand.soleAccount())
    #expect(account.remembered.tallies.video.count == 1)
    #expect(report.dropped.videoBytes == 49 * 500)
  }

  @Test func textWaitsForRoomAndNoneIsDropped() throws {
    let (stand, report, _) = try overload({ $0.outbox.byteLimit = 2_000 }) { stand, session in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 0..<100 {
            try await session.send(.realtimeInput(.init(text: "n \(number)")))
          }
        }
        try await stand.sleep(.seconds(1))
        // The sender is parked, so it cannot have filled the memory.
        stand.network.withService { $0.refuseNextUpgrades(0) }
        try await group.waitForAll()
      }
    }
    let items = try #require(stand.soleAccount()).remembered.items
    #expect(items.map(\.kind) == (0..<100).map { .text("n \($0)") })
    #expect(report.dropped.isEmpty)
  }

  @Test func nothingOvertakesInTheFlush() throws {
    let (stand, report, _) = try overload { stand, session in
      for number in 0..<40 {
        try await session.send(audio: TestStand.frame(number))
        try await session.send(.realtimeInput(.init(text: "after \(number)")))
        try await stand.sleep(.milliseconds(20))
      }
    }
    let account = try #require(stand.soleAccount())
    #expect(report.dropped.isEmpty)
    #expect(account.remembered.items.map(\.kind) == (0..<40).map { .text("after \($0)") })
    #expect(account.remembered.items.map(\.audioOffset) == (1...40).map { $0 * 40 })
  }

  @Test func whatIsSentQueuedAndDroppedIsWhatWasAccepted() throws {
    let (stand, report, _) = try overload {
      $0.outbox.byteLimit = 20_000
    } _: { stand, session in
      for number in 0..<60 {
        try await session.send(audio: Array(repeating: 7, count: 1_000))
        if number % 10 == 0 { try await session.send(.realtimeInput(.init(text: "\(number)"))) }
        try await stand.sleep(.milliseconds(10))
      }
    }
    let received = try #require(stand.soleAccount()).received.tallies
    #expect(received.audio.bytes + report.dropped.audioBytes == 60_000)
    #expect(received.text.count == 6)
  }

  @Test func aToolResponseIsHeldByAFullSocketAndGoesFirst() throws {
    // A send buffer so small that audio fills it.
    let stand = TestStand(network: { $0.sendBuffer = 8_192 })
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "use a tool")
        try await stand.sleep(.seconds(2))
        let call = try #require(witness.calls.first)
        for _ in 0..<20 {
          try await session.send(audio: Array(repeating: 0, count: 4_000))
          try await stand.sleep(.microseconds(100))
        }
        try await session.send(
          .toolResponse(
            ToolResponse(functionResponses: [
              FunctionResponse(id: call.id, name: call.name, response: ["answer": "held"])
            ])))
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    let account = try #require(stand.soleAccount())
    #expect(witness.text.contains("held"))
    let response = account.remembered.items.first {
      if case .toolResponse = $0.kind { true } else { false }
    }
    #expect(try #require(response).audioOffset < 20 * 4_000)
    #expect(account.received.tallies.audio.bytes == 80_000)
  }
}
