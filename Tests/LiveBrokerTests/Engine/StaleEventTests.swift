// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// What an older connection still says when a newer one is live never moves the session.
@Suite struct StaleEventTests {
  /// Drops the first connection of a session, lets `body` speak in its name, and looks whether the
  /// session is as it was.
  private func afterADrop(
    _ body: @escaping @Sendable (LiveSession, UInt32) async throws -> Void
  ) throws -> (witness: Witness, stand: TestStand) {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.speak(session, for: .seconds(3))
        stand.inject(.drop)
        try await stand.sleep(.seconds(10))
        #expect(witness.reconnects.map(\.generation) == [2])
        try await body(session, 1)
        try await stand.sleep(.seconds(5))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    return (witness, stand)
  }

  private static let messages = [
    #"{"serverContent":{"modelTurn":{"parts":[{"text":"a ghost"}]}}}"#,
    #"{"toolCall":{"functionCalls":[{"id":"ghost","name":"ghost"}]}}"#,
    #"{"sessionResumptionUpdate":{"newHandle":"ghost","resumable":true}}"#,
    #"{"goAway":{"timeLeft":"1s"}}"#,
    #"{"setupComplete":{}}"#,
  ]

  @Test(arguments: messages)
  func aMessageOfAnOlderConnectionIsNotHeard(message: String) throws {
    let (witness, stand) = try afterADrop { session, old in
      session.port.shard.mailbox.post(.received(session.port.address, old, Array(message.utf8)))
      let handle = await session.port.shard.handle(of: session.port.address)
      #expect(handle != Secret("ghost"))
    }
    #expect(!witness.text.contains("ghost"))
    #expect(witness.calls.isEmpty && witness.cancelledCalls.isEmpty)
    checkUndisturbed(witness, stand)
  }

  @Test(arguments: [1000, 1007, 1008, 1011] as [UInt16])
  func theEndOfAnOlderConnectionEndsNothing(code: UInt16) throws {
    let (witness, stand) = try afterADrop { session, old in
      let port = session.port
      for signal in [
        ConnectionSignal.closed(code: code, reason: "invalid session handle"),
        .failed(TransportError(.connectionLost, message: "reset")), .writable(false),
      ] {
        port.shard.mailbox.post(.signalled(port.address, old, signal))
      }
    }
    checkUndisturbed(witness, stand)
  }

  @Test func aPongOfAnOlderConnectionProvesNothing() throws {
    let stand = TestStand()
    let (settled, sent) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.speak(session, for: .seconds(3))
        stand.inject(.drop)
        try await stand.sleep(.seconds(10))
        stand.stall(.toService, for: .seconds(4))
        try await stand.speak(session, for: .seconds(2))
        let port = session.port
        for number in 1...20 as ClosedRange<UInt8> {
          let pong = ConnectionSignal.pong([0, 0, 0, number, 0, 0, 0, number])
          port.shard.mailbox.post(.signalled(port.address, 1, pong))
        }
        try await stand.sleep(.milliseconds(10))
        return await port.shard.proof(of: port.address)
      }
    }
    #expect(sent == 20)
    #expect(settled == 0)
  }

  private func checkUndisturbed(_ witness: Witness, _ stand: TestStand) {
    #expect(witness.reconnects.count == 1)
    #expect(witness.text.contains("probe-ok"))
    #expect(stand.totals.sessionsStarted == 1)
    #expect(stand.totals.sessionsResumed == 1)
    #expect(stand.promisesBroken.isEmpty)
  }
}

extension Shard {
  fileprivate func handle(of address: SessionAddress) -> Secret? {
    sessions[Int(address.slot)]?.assumeIsolated { session in
      session.resumption.assumeIsolated { $0.snapshot.lastGood }
    }
  }

  fileprivate func proof(of address: SessionAddress) -> (settled: UInt32, sent: UInt32) {
    guard let session = sessions[Int(address.slot)] else { return (0, 0) }
    return session.assumeIsolated { ($0.load?.proof.settled ?? 0, $0.sentMessages) }
  }
}
